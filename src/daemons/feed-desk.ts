/** Hands committed changes to followers once they are durable: a change is an output like any message. */
import type { Host } from '../host/host.ts';
import type { ParticipantHost } from '../host/participant-host.ts';
import type { ParticipantNodeEvent } from '../protocol/participant-node.ts';
import type { FeedChange } from '../resources/change-feed.ts';

/** One per participant; see the header. */
export class FeedDesk {
  private readonly followers = new Set<(change: FeedChange) => void>();
  private readonly participant: ParticipantHost;
  private readonly loop: Host<ParticipantNodeEvent>;
  private newest: number;

  constructor(participant: ParticipantHost, loop: Host<ParticipantNodeEvent>) {
    this.participant = participant;
    this.loop = loop;
    this.newest = participant.resources.position;
    participant.resources.onChange((change) => loop.whenDurable(() => this.publish(change)));
  }

  /** Position of the newest durable change. */
  get position(): number {
    return this.newest;
  }

  /** Calls back for every change from now on, in order; the returned function ends it. */
  follow(listener: (change: FeedChange) => void): () => void {
    this.followers.add(listener);
    return () => void this.followers.delete(listener);
  }

  /** Calls back once a copy that replaced a group is durable; changes do not tell of it. */
  onInstalled(listener: (group: string) => void): void {
    this.participant.onInstalled = (group) => this.loop.whenDurable(() => listener(group));
  }

  private publish(change: FeedChange): void {
    this.newest = change.position;
    for (const listener of [...this.followers]) listener(change);
  }
}
