/**
 * Mocha's `spec` reporter, which also leaves the counts of the finished run in
 * a file: `{passed, failed, skipped}` as JSON. `scripts/test.mjs` words its
 * closing line from it, after all output of the tests. CommonJS, because mocha
 * loads reporters with require().
 * Option `countsFile`: where to write.
 *
 * When the process lives on after its last test, it says what keeps it.
 */
const { writeFileSync } = require('node:fs');
const Mocha = require('mocha');

/** Children and sockets close a moment after the test that had them. */
const LINGERING_MS = 5_000;

module.exports = class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const { countsFile } = options.reporterOptions;
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      writeFileSync(countsFile, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
      setTimeout(tellWhatIsOpen, LINGERING_MS).unref();
    });
  }
};

/** Node has no public list of what is open with its particulars; this one is for reading only. */
function tellWhatIsOpen() {
  const kinds = process.getActiveResourcesInfo().join(', ');
  const particulars = (process._getActiveHandles?.() ?? []).map(
    ({ constructor, pid, fd, localPort, remotePort, spawnargs }) =>
      JSON.stringify({ what: constructor.name, pid, fd, localPort, remotePort, spawnargs }),
  );
  process.stderr.write(`Open ${LINGERING_MS} ms after the last test: ${kinds}\n${particulars.join('\n')}\n`);
}
