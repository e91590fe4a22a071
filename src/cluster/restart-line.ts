/**
 * How a server asks whoever started the cluster to start a node again: one line
 * of JSON on its stdout, beside the one that announces its address. A server
 * holds no processes, and nothing but its own output reaches its starter.
 *
 * ```
 *   {"event":"restart","node":"Node6002"}
 * ```
 */
import type { DaemonLine } from './spawn.ts';

/** The line for a node. */
export function restartLine(node: string): string {
  return JSON.stringify({ event: 'restart', node });
}

/** The node that a server asks for; undefined for any other line, and for one of another daemon. */
export function readRestartLine({ node, stream, text }: DaemonLine, servers: readonly string[]): string | undefined {
  if (stream !== 'stdout' || !servers.includes(node)) return undefined;
  return /^\{"event":"restart","node":"([\w-]{1,64})"\}$/.exec(text)?.[1];
}
