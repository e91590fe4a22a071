/**
 * `--show-frames` at a coordinator or participant: every message as it goes by,
 * in the form of the first chat systems, above the prompt if there is one.
 */
import { BankWords, TIMEOUT_WORDS } from '../console/bank-words.ts';
import { seedBody, seedFrame } from '../console/seed-frame.ts';
import type { Message, NodeName } from '../protocol/messages.ts';

/** Shows messages of one node. */
export class FramesShown {
  readonly #narrate: (line: string) => void;
  readonly #self: NodeName;
  readonly #words = new BankWords();

  constructor(self: NodeName, narrate: (line: string) => void) {
    this.#self = self;
    this.#narrate = narrate;
  }

  /** A message that left for `to`. */
  sent(to: NodeName, message: Message): void {
    if (this.#words.timedOut(message, to)) this.#show('timeout', to, TIMEOUT_WORDS);
    this.#message(this.#self, message, to);
  }

  /** A message that came. */
  received(from: NodeName, message: Message): void {
    this.#message(from, message, from);
  }

  #message(host: NodeName, message: Message, peer: NodeName): void {
    const words = this.#words.of(message, peer);
    this.#show(message.type, host, words === '' ? seedBody(message) : `${seedBody(message)} ${words}`);
  }

  #show(what: string, host: NodeName, body: string): void {
    for (const line of seedFrame({ what, host, body, at: new Date() })) this.#narrate(line);
  }
}
