/**
 * Mocha's `spec` reporter, which also leaves the counts of the finished run in
 * a file: `{passed, failed, skipped}` as JSON. `scripts/test.mjs` words its
 * closing line from it, after all output of the tests. CommonJS, because mocha
 * loads reporters with require().
 * Option `countsFile`: where to write.
 */
const { writeFileSync } = require('node:fs');
const Mocha = require('mocha');

module.exports = class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const { countsFile } = options.reporterOptions;
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      writeFileSync(countsFile, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
    });
  }
};
