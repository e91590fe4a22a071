/**
 * What both readers share: the bytes, the end of the bytes, and what becomes
 * of a fault: the sender's (FrameError) is kept and given from then on, any
 * other is a bug of ours and goes up.
 */
import { FrameError } from './frame.ts';
import { ReceiveBuffer } from './receive-buffer.ts';

/** Nothing whole is here yet. */
export interface NeedMore {
  readonly type: 'need-more';
}

/** The bytes are no frame. */
export interface Failed {
  readonly type: 'error';
  readonly error: FrameError;
}

/** FIN between two frames. */
export interface Ended {
  readonly type: 'end';
}

/** The one value of NeedMore. */
export const NEED_MORE: NeedMore = { type: 'need-more' };
/** The one value of Ended. */
export const ENDED: Ended = { type: 'end' };

/** See the header. */
export class ByteSource {
  readonly buffer = new ReceiveBuffer();
  isEnded = false;
  #failed: Failed | undefined = undefined;

  /** Runs one step; a FrameError is kept and given from then on. */
  guarded<T>(step: () => T): T | Failed {
    if (this.#failed !== undefined) return this.#failed;
    try {
      return step();
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#failed = { type: 'error', error };
      return this.#failed;
    }
  }

  /** Nothing whole is here: wait, unless nothing can follow. */
  waitWithin(what: string): NeedMore {
    if (this.isEnded) throw new FrameError('bad-frame', `The connection was closed inside a ${what}.`);
    return NEED_MORE;
  }
}
