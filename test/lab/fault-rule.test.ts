import { expect } from 'chai';
import { ParleyError } from '../../src/base/errors.ts';
import { crashPointsOf } from '../../src/lab/crash-point.ts';
import { amountOf, CRASH_IN_PREPARE, faultText, readFaultRule } from '../../src/lab/fault-rule.ts';
import type { Json } from '../../src/base/canonical-json.ts';

type Rule = Readonly<Record<string, Json>>;

function faultOf(value: Rule, role: 'coordinator' | 'participant' = 'participant'): ParleyError {
  try {
    readFaultRule(value, role);
  } catch (error) {
    if (error instanceof ParleyError) return error;
    throw error;
  }
  throw new Error('expected a refusal');
}

describe('fault rules', () => {
  // prettier-ignore
  const rules: readonly (readonly [rule: Rule, text: string])[] = [
    [{ do: 'unreachable', above: 800 }, 'unreachable above 800'],
    [{ do: 'crash' }, 'crash in prepare'],
    [{ do: 'crash', at: 'now' }, 'crash now'],
    [{ do: 'crash', percent: 30, seed: 7 }, 'crash in prepare, 30 % of them (seed 7)'],
    [{ do: 'crash', at: 'participant.vote.sent#2=power' }, 'crash at participant.vote.sent#2=power'],
    [{ do: 'vote-no', times: 2 }, 'vote-no, 2 times'],
    [{ do: 'silence' }, 'silence'],
    [{ do: 'slow', ms: 500, above: 0, percent: 1 }, 'slow by 500 ms above 0, 1 % of them (seed 1)'],
  ];
  for (const [rule, text] of rules) {
    it(`say themselves as "${text}"`, () => {
      expect(faultText(readFaultRule(rule, 'participant'))).to.equal(text);
    });
  }

  // prettier-ignore
  const refused: readonly (readonly [rule: Rule, said: RegExp])[] = [
    [{}, /^do is missing; allowed: crash, vote-no, silence, slow, unreachable\.$/],
    [{ do: 'roll-back-in-ready' }, /^do is "roll-back-in-ready"; allowed/],
    [{ do: 'silence', at: 'now' }, /^silence takes no at; it takes above, percent, seed, times\.$/],
    [{ do: 'crash', above: 800 }, /^crash takes no above/],
    [{ do: 'slow' }, /^slow needs ms/],
    [{ do: 'slow', ms: 0 }, /^ms is 0; allowed: milliseconds from 1 to 600000\.$/],
    [{ do: 'unreachable', above: '800' }, /^above is "800"; allowed: an amount from 0\.$/],
    [{ do: 'vote-no', percent: 0 }, /^percent is 0; allowed: a whole number from 1 to 100\.$/],
    [{ do: 'vote-no', times: 1.5 }, /^times is 1\.5; allowed/],
    [{ do: 'crash', at: 'coordinator.commit.forced' }, /^at is "coordinator\.commit\.forced"; allowed: now, prepare, or a crash point of a participant\.$/],
    [{ do: 'crash', at: 'participant.vote.sent=dance' }, /names no action/],
    [{ do: 'crash', at: 'now', percent: 30 }, /allowed: now, prepare, or a crash point/],
  ];
  for (const [rule, said] of refused) {
    it(`are refused as ${JSON.stringify(rule)}`, () => {
      expect(faultOf(rule)).to.include({ code: 'bad-request' }).and.to.have.property('message').that.matches(said);
    });
  }

  it('let a coordinator crash, at its own points, and nothing else', () => {
    expect(faultText(readFaultRule({ do: 'crash', at: 'coordinator.commit.forced' }, 'coordinator'))).to.equal(
      'crash at coordinator.commit.forced',
    );
    expect(faultText(readFaultRule({ do: 'crash' }, 'coordinator'))).to.equal('crash now');
    expect(faultOf({ do: 'silence' }, 'coordinator').message).to.match(/does not vote/);
    expect(faultOf({ do: 'crash', at: 'prepare' }, 'coordinator').message).to.match(
      /allowed: now, or a crash point of a/,
    );
  });

  it('mean by "prepare" a crash point that there is, before anything of the yes is on disk', () => {
    expect(crashPointsOf('participant')).to.include(CRASH_IN_PREPARE);
  });

  it('go by the largest amount that an attempt names', () => {
    expect(amountOf([{ type: 'debit', amount: 5 }, { type: 'update', balance: 900 }, { amount: 7 }])).to.equal(7);
    expect(amountOf([{ type: 'query' }])).to.equal(0);
  });
});
