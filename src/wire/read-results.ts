/** What the readers of frame-reader.ts give, one at a time. */
import type { Ended, Failed, NeedMore } from './byte-source.ts';
import type { RequestHead, ResponseHead } from './frame.ts';

/** What RequestReader.next() gives. `expectContinue`: the sender waits for a 100 before it sends the body. */
export type RequestRead =
  | NeedMore
  | { readonly type: 'head'; readonly head: RequestHead; readonly expectContinue: boolean }
  | { readonly type: 'request'; readonly head: RequestHead; readonly body: Buffer }
  | Failed
  | Ended;

/** What ResponseReader.next() gives. `reusable`: another request may be sent on this connection. */
export type ResponseRead =
  | NeedMore
  | { readonly type: 'head'; readonly head: ResponseHead }
  | { readonly type: 'piece'; readonly bytes: Buffer }
  | { readonly type: 'response'; readonly head: ResponseHead; readonly body: Buffer; readonly reusable: boolean }
  | Failed
  | Ended;
