/** The lines of a ledger by themselves, as a snapshot or final.json has them. */
import type { Json } from '../../base/canonical-json.ts';
import { numberIn, textIn } from './group-model.ts';

/** What is wrong with the lines of a ledger by themselves: balance = opening + postings, none below nothing. */
export function ledgerFaults(lines: readonly Json[]): readonly string[] {
  const sums = new Map<number, bigint>();
  for (const line of lines) {
    const kind = textIn(line, 'line');
    if (kind !== 'account' && kind !== 'posting') continue;
    const account = numberIn(line, 'account');
    const amount = kind === 'account' ? numberIn(line, 'opening') : numberIn(line, 'delta');
    sums.set(account, (sums.get(account) ?? 0n) + BigInt(amount));
  }
  return lines
    .filter((line) => textIn(line, 'line') === 'account')
    .flatMap((line) => {
      const [account, balance] = [numberIn(line, 'account'), numberIn(line, 'balance')];
      const sum = sums.get(account) ?? 0n;
      return [
        ...(sum === BigInt(balance)
          ? []
          : [`account ${account} holds ${balance}, its opening and postings add up to ${sum}`]),
        ...(balance < 0 ? [`account ${account} holds ${balance}`] : []),
      ];
    });
}
