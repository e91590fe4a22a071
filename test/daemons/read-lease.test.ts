import { expect } from 'chai';
import { leaseFault } from '../../src/daemons/read-lease.ts';
import type { PeerHeartbeats } from '../../src/net/peer-status.ts';
import { DrivenParticipant } from '../protocol/driven-participant.ts';

const LEASE_MS = 1_000;

/** A heartbeat that was answered, sent this long ago by each clock. */
function answered(agoMs: number, agoWallMs = agoMs): PeerHeartbeats {
  return {
    answeredSentAtMs: performance.now() - agoMs,
    answeredSentAtWallMs: Date.now() - agoWallMs,
  } as PeerHeartbeats;
}

function inView(): DrivenParticipant {
  const driven = new DrivenParticipant();
  driven.welcomed();
  return driven;
}

describe('A read lease', () => {
  it('holds in the view for as long as the last answered heartbeat is young', () => {
    expect(leaseFault(inView().node, answered(10), 'bank', LEASE_MS)).to.equal(undefined);
  });

  it('has run out when either clock says so: one stands still in a suspended machine, the other can be set', () => {
    const { node } = inView();
    expect(leaseFault(node, answered(5_000), 'bank', LEASE_MS)).to.be.a('string');
    expect(leaseFault(node, answered(10, 5_000), 'bank', LEASE_MS)).to.be.a('string');
    expect(leaseFault(node, answered(5_000, 10), 'bank', LEASE_MS)).to.be.a('string');
  });

  it('is not held without an answered heartbeat, outside the view, or without a coordinator', () => {
    const { node } = inView();
    expect(leaseFault(node, undefined, 'bank', LEASE_MS)).to.include('has not heard the coordinator');
    expect(leaseFault(node, answered(10), 'chat', LEASE_MS)).to.include('is not in the view of chat');
    const lost = inView();
    lost.step({ type: 'link-down', peer: 'C' });
    expect(leaseFault(lost.node, answered(10), 'bank', LEASE_MS)).to.include('has no coordinator');
  });
});
