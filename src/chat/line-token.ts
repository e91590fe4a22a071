/**
 * The id of an event of the live stream: how far its reader has come in each
 * room it follows. Sequences are the same on every replica, so the token is
 * valid at every server and after every restart. To a client it is opaque.
 *
 * ```
 *   base64url of "lobby:17,news:4"
 * ```
 */
import { isTransactionId } from '../base/ids.ts';

/** Rooms one stream follows at most, so that a token fits a header field. */
export const STREAM_ROOMS_MAX = 50;

/** Sequence of the last line a reader has, by room. */
export type RoomPositions = ReadonlyMap<string, number>;

/** The token of these positions. */
export function lineToken(positions: RoomPositions): string {
  const text = [...positions].map(([room, seq]) => `${room}:${seq}`).join(',');
  return Buffer.from(text, 'latin1').toString('base64url');
}

/** The positions in a token, or undefined when it is none of ours. */
export function readLineToken(token: string): RoomPositions | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(token)) return undefined;
  const positions = new Map<string, number>();
  for (const part of Buffer.from(token, 'base64url').toString('latin1').split(',')) {
    const match = /^([^:]+):(0|[1-9]\d{0,15})$/.exec(part);
    const [room, seq] = [match?.[1], Number(match?.[2])];
    if (!isTransactionId(room) || !Number.isSafeInteger(seq) || positions.has(room)) return undefined;
    positions.set(room, seq);
  }
  return positions.size <= STREAM_ROOMS_MAX ? positions : undefined;
}
