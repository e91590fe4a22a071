import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { withFrontDoor } from './front-door.ts';
import type { FrontDoor } from './front-door.ts';
import type { Json } from '../../src/base/canonical-json.ts';

async function openTwo(door: FrontDoor): Promise<void> {
  await door.ask('POST', '/bank/accounts', { opening: 1000 });
  await door.ask('POST', '/bank/accounts', { opening: 1000 });
  door.submitted.length = 0;
}

describe('the front end of the bank', () => {
  it('opens an account and answers its number', () =>
    withFrontDoor(async (door) => {
      const { status, body } = await door.ask('POST', '/bank/accounts', { opening: 100, owner: 'ann' });
      expect(status).to.equal(200);
      expect(body).to.include({ outcome: 'committed', account: 1, balance: 100 });
      expect(body['id']).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
      expect(door.submitted).to.deep.equal([
        {
          id: body['id'],
          operation: { group: 'bank', resource: 'ledger', type: 'create', opening: 100, owner: 'ann' },
        },
      ]);
    }));

  it('sets a balance and answers the new data', () =>
    withFrontDoor(async (door) => {
      await openTwo(door);
      const { body } = await door.ask('PUT', '/bank/accounts/2', { balance: 70, id: 'U1' });
      expect(body).to.include({ id: 'U1', outcome: 'committed', account: 2, balance: 70 });
      expect(door.participants.map(({ accounts }) => accounts.get(2))).to.deep.equal([70, 70, 70]);
    }));

  it('moves money by one transaction under the id of the request', () =>
    withFrontDoor(async (door) => {
      await openTwo(door);
      const { status, body } = await door.ask('POST', '/bank/transfers', { from: 1, to: 2, amount: 100, id: 'TX001' });
      expect(status).to.equal(200);
      expect(body).to.include({ id: 'TX001', outcome: 'committed', from: 1, to: 2, amount: 100 });
      expect(door.submitted.map(({ id }) => id)).to.deep.equal(['TX001']);
    }));

  it('takes the id from the header too, but not two different ones', () =>
    withFrontDoor(async (door) => {
      await openTwo(door);
      const move = { from: 1, to: 2, amount: 1 };
      for (const given of ['TX002', '"TX002"']) {
        const { body } = await door.ask('POST', '/bank/transfers', move, { 'Idempotency-Key': given });
        expect(body).to.include({ id: 'TX002', outcome: 'committed' });
      }
      // The second found the answer of the first.
      expect(door.participants[0]?.accounts.get(1)).to.equal(999);
      const both = await door.ask('POST', '/bank/transfers', { ...move, id: 'A' }, { 'Idempotency-Key': 'B' });
      expect([both.status, both.body['code']]).to.deep.equal([400, 'bad-request']);
      const bad = await door.ask('POST', '/bank/transfers', { ...move, id: 'a b' });
      expect([bad.status, bad.body['code']]).to.deep.equal([422, 'bad-id']);
    }));

  it('makes one transaction of a key that is sent to two servers, whichever way it is given', () =>
    withFrontDoor(async (door) => {
      await door.startServer();
      await openTwo(door);
      const move = { from: 1, to: 2, amount: 1 };
      const byHeader = { 'Idempotency-Key': 'TX003' };
      const told = [
        await door.ask('POST', '/bank/transfers', move, byHeader, 0),
        await door.ask('POST', '/bank/transfers', move, byHeader, 1),
        await door.ask('POST', '/bank/transfers', { ...move, id: 'TX003' }, {}, 1),
      ];
      expect(told.map(({ body }) => body)).to.deep.equal([told[0]?.body, told[0]?.body, told[0]?.body]);
      expect(door.submitted.map(({ id }) => id)).to.deep.equal(['TX003', 'TX003', 'TX003']);
      for (const [path, body, method] of [
        ['/bank/accounts', { opening: 5 }, 'POST'],
        ['/bank/accounts/1', { balance: 7 }, 'PUT'],
      ] as const) {
        door.submitted.length = 0;
        const headers = { 'Idempotency-Key': `key-${method}` };
        for (const server of [0, 1]) await door.ask(method, path, body, headers, server);
        expect(door.submitted.map(({ id }) => id)).to.deep.equal([`key-${method}`, `key-${method}`]);
      }
      expect(door.participants[0]?.accounts.size).to.equal(3);
    }));

  it('does not say that nothing happened when the coordinator died with the transaction in its hands', () =>
    withFrontDoor(
      async (door) => {
        await openTwo(door);
        door.script = ['hang'];
        const sending = door.ask('POST', '/bank/transfers', { from: 1, to: 2, amount: 1, id: 'TX004' });
        await eventually('the coordinator has it', () => door.submitted.length === 1);
        await door.stopCoordinator();
        const { status, body } = await sending;
        expect([status, body]).to.deep.equal([202, { id: 'TX004', outcome: 'unknown' }]);
      },
      { deadlineMs: 1000 },
    ));

  it('sends an unknown transaction again with the same id, so that it happens once', () =>
    withFrontDoor(async (door) => {
      await openTwo(door);
      door.script = ['unknown-but-committed', { refuse: 'busy' }];
      const { body } = await door.ask('POST', '/bank/transfers', { from: 1, to: 2, amount: 100, id: 'TX003' });
      expect(body).to.include({ outcome: 'committed' });
      expect(door.submitted.map(({ id }) => id)).to.deep.equal(['TX003', 'TX003', 'TX003']);
      expect(door.participants[0]?.accounts.get(1)).to.equal(900);
    }));

  it('answers 202 and the id when the deadline passes without an outcome', () =>
    withFrontDoor(
      async (door) => {
        door.script = ['hang'];
        const { status, body } = await door.ask('POST', '/bank/transfers', { from: 1, to: 2, amount: 1, id: 'TX004' });
        expect(status).to.equal(202);
        expect(body).to.deep.equal({ id: 'TX004', outcome: 'unknown' });
        expect((await door.ask('GET', '/bank/statistics')).body).to.include({ attempted: 1, unknown: 1 });
      },
      { deadlineMs: 150 },
    ));

  it('answers 503 when the coordinator was never reached, and it is true: nothing was sent', () =>
    withFrontDoor(
      async (door) => {
        await door.stopCoordinator();
        const { status, body, headers } = await door.ask('POST', '/bank/transfers', { from: 1, to: 2, amount: 1 });
        expect(status).to.equal(503);
        expect(body).to.include({ code: 'busy', definite: true });
        expect(headers['retry-after']).to.equal('1');
        expect(door.submitted).to.deep.equal([]);
      },
      { deadlineMs: 150 },
    ));

  it('answers 404 or 409 with the sentence when an account or its money is missing', () =>
    withFrontDoor(async (door) => {
      door.script = [{ abort: 'unknown-account' }, { abort: 'insufficient-funds' }, { abort: 'vote-timeout' }];
      const move = { from: 1, to: 2, amount: 1 };
      const reason = (code: string): Json => ({ code, detail: 'Scripted.' });
      const unknown = await door.ask('PUT', '/bank/accounts/9', { balance: 1, id: 'U9' });
      expect(unknown.status).to.equal(404);
      expect(unknown.headers['content-type']).to.equal('application/problem+json');
      expect(unknown.body).to.deep.include({
        code: 'unknown-account',
        id: 'U9',
        outcome: 'aborted',
        definite: true,
        reason: reason('unknown-account'),
      });
      const short = await door.ask('POST', '/bank/transfers', move);
      expect(short.status).to.equal(409);
      expect(short.body).to.include({ code: 'insufficient-funds', detail: 'Scripted.', outcome: 'aborted' });
      const late = await door.ask('POST', '/bank/transfers', move);
      expect(late.status).to.equal(200);
      expect(late.body).to.deep.include({ outcome: 'aborted', reason: reason('vote-timeout') });
      const { body: statistics } = await door.ask('GET', '/bank/statistics');
      expect(statistics).to.include({ attempted: 3, committed: 0, rolledBack: 3, unknown: 0 });
      expect(statistics['causes']).to.deep.equal({ crashes: 1, funds: 1, network: 0, conflicts: 0, other: 1 });
    }));

  it('refuses what cannot be meant, before anything is sent', () =>
    withFrontDoor(async (door) => {
      const cases: readonly (readonly [string, string, Json, number, string])[] = [
        ['POST', '/bank/accounts', { opening: -1 }, 422, 'bad-amount'],
        ['POST', '/bank/accounts', [], 400, 'bad-request'],
        ['POST', '/bank/transfers', { from: 1, to: 2, amuont: 5 }, 422, 'bad-operation'],
        ['PUT', '/bank/accounts/one', { balance: 5 }, 404, 'unknown-account'],
        ['DELETE', '/bank/accounts/1', {}, 405, 'method-not-allowed'],
      ];
      for (const [method, path, body, status, code] of cases) {
        const answer = await door.ask(method, path, body);
        expect([answer.status, answer.body['code']], `${method} ${path}`).to.deep.equal([status, code]);
      }
      expect(door.submitted).to.deep.equal([]);
    }));

  it('reads the total by a transaction', () =>
    withFrontDoor(async (door) => {
      const { body } = await door.ask('GET', '/bank/total');
      expect(body).to.include({ outcome: 'committed', total: 2000, accounts: 2 });
      expect(door.submitted[0]?.operation).to.deep.equal({ group: 'bank', resource: 'ledger', type: 'total' });
    }));
});

describe('a balance', () => {
  it('is read from a member of the view alone', () =>
    withFrontDoor(
      async (door) => {
        door.view = ['P2'];
        await door.startServer();
        await openTwo(door);
        for (let count = 0; count < 6; count += 1) {
          expect((await door.ask('GET', '/bank/accounts/1')).body).to.include({ account: 1, balance: 1000, held: 0 });
        }
        const asked = door.participants.map((participant) => participant.asked);
        expect(asked.map(({ length }) => length)).to.deep.equal([0, 6, 0]);
        expect(asked[1]?.[0]).to.equal('/ledger/accounts/1?group=bank');
      },
      { start: false },
    ));

  it('is asked of another member when one cannot answer or is gone', () =>
    withFrontDoor(async (door) => {
      await openTwo(door);
      const [first, second, third] = door.participants;
      if (first !== undefined) first.trouble = 'no-lease';
      await second?.stop();
      for (let count = 0; count < 6; count += 1) {
        expect((await door.ask('GET', '/bank/accounts/2')).status).to.equal(200);
      }
      expect(third?.asked).to.have.lengthOf(6);
    }));

  it('is 404 when a member knows there is no such account', () =>
    withFrontDoor(async (door) => {
      for (const path of ['/bank/accounts/77', '/bank/accounts/x']) {
        const { status, body } = await door.ask('GET', path);
        expect([status, body['code']]).to.deep.equal([404, 'unknown-account']);
      }
    }));

  it('is 503 with the reason when no member can answer', () =>
    withFrontDoor(async (door) => {
      for (const participant of door.participants) participant.trouble = 'no-lease';
      const leaseless = await door.ask('GET', '/bank/accounts/1');
      expect([leaseless.status, leaseless.body['code']]).to.deep.equal([503, 'no-lease']);
      const [first] = door.participants;
      if (first !== undefined) first.trouble = 'in-doubt';
      const codes = new Set<Json | undefined>();
      for (let count = 0; count < 3; count += 1) codes.add((await door.ask('GET', '/bank/accounts/1')).body['code']);
      expect([...codes].every((code) => code === 'in-doubt' || code === 'no-lease')).to.equal(true);
      for (const participant of door.participants) await participant.stop();
      const gone = await door.ask('GET', '/bank/accounts/1');
      expect([gone.status, gone.body['code']]).to.deep.equal([503, 'busy']);
    }));

  it('may be read from any replica when the asker allows it to be old, with the coordinator dead', () =>
    withFrontDoor(async (door) => {
      await openTwo(door);
      await door.stopCoordinator();
      expect((await door.ask('GET', '/bank/accounts/1?stale=allow')).body).to.include({ balance: 1000 });
      const asked = door.participants.flatMap((participant) => participant.asked);
      expect(asked).to.deep.equal(['/ledger/accounts/1?stale=allow&group=bank']);
    }));
});
