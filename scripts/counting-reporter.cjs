/**
 * Mocha's `spec` reporter, which also leaves the counts of the finished run in
 * a file, as JSON: `{passed, failed, skipped, failures}`, each failure as
 * `{title, file, message}`. `scripts/test.mjs` words its closing lines from
 * it, after all output of the tests. CommonJS, because mocha loads reporters
 * with require().
 * Option `countsFile`: where to write.
 *
 * When the process lives on after its last test, it says what keeps it.
 */
const { writeFileSync } = require('node:fs');
const Mocha = require('mocha');

/** Children and sockets close a moment after the test that had them. */
const LINGERING_MS = 5_000;
/** What a failure's message may take of the closing lines: the whole of it stands in mocha's own list. */
const MESSAGE_LENGTH_MAX = 1_500;

module.exports = class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const { countsFile } = options.reporterOptions;
    const failures = [];
    runner.on(Mocha.Runner.constants.EVENT_TEST_FAIL, (test, error) => failures.push(described(test, error)));
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes: passed, failures: failed, pending: skipped } = this.stats;
      writeFileSync(countsFile, JSON.stringify({ passed, failed, skipped, failures }));
      setTimeout(tellWhatIsOpen, LINGERING_MS).unref();
    });
  }
};

function described(test, error) {
  const message = String(error?.stack ?? error?.message ?? error).slice(0, MESSAGE_LENGTH_MAX);
  return { title: test.titlePath().join(' › '), file: test.file ?? '', message };
}

/** Node has no public list of what is open with its particulars; this one is for reading only. */
function tellWhatIsOpen() {
  const kinds = process.getActiveResourcesInfo().join(', ');
  const particulars = (process._getActiveHandles?.() ?? []).map(
    ({ constructor, pid, fd, localPort, remotePort, spawnargs }) =>
      JSON.stringify({ what: constructor.name, pid, fd, localPort, remotePort, spawnargs }),
  );
  process.stderr.write(`Open ${LINGERING_MS} ms after the last test: ${kinds}\n${particulars.join('\n')}\n`);
}
