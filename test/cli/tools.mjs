// Tools that tests of the command line load by path.
const usage = { totalTokensIn: 1234, totalTokensOut: 5678, totalCost: 0.0965 }

// oxlint-disable-next-line import/no-default-export -- it is what `--tools` reads
export default {
  echo: () => 'not the built-in one',
  spend(args, { reportUsage, log }) {
    reportUsage(usage)
    log('warning', 'costly\u001b[2J')
    return 'spent'
  },
  async spendAndWait(args, { reportUsage, signal }) {
    reportUsage(usage)
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  },
  stuck: () => new Promise(() => {}),
}
