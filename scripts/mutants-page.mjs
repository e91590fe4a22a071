/**
 * The page docs/proof/mutants.md: what `npm run mutants` planted and what
 * noticed it. Text only; nothing is run here.
 */

/** @param {{date: string, commit: string, planted: number, caught: number, rows: readonly object[]}} result */
export function mutantsPage({ date, commit, planted, caught, rows }) {
  const lines = rows.map(({ name, breaks, invariant, catches }) => {
    const how = catches.map(({ command, caught: did }) => `\`${command}\`${did ? '' : ' (missed)'}`);
    const seen = catches.map((each) => cell(each.seen));
    return `| [${name}](../../test/mutants/${name}.patch) | ${cell(breaks)} | ${invariant} | ${how.join('<br>')} | ${seen.join('<br>')} |`;
  });
  return `# Planted bugs

A proof that cannot fail shows nothing. So bugs are planted, one at a time, in a copy of the sources, and the proof that is
named in the patch must notice it, with the symptom that is named there; without a bug the same proof must pass.
\`npm run mutants\` does it again (\`-- <name>\` for one of them); the patches are in \`test/mutants\`.

Run on ${date.slice(0, 10)} at commit ${commit.replace(/\+$/, ' with changes that were not committed yet')}: **${planted} planted, ${caught} caught**.

| bug | what it breaks | offends | caught by | what was seen |
| --- | --- | --- | --- | --- |
${lines.join('\n')}
`;
}

function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ').slice(0, 160);
}
