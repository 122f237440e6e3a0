// Tools of the bench of the page: one that does nothing, and one that reports at a pace.

/** Time between two bursts, ms. */
const BURST_MS = 50

const tools = {
  work: () => null,
  /** Emits `perSecond` events for `seconds`. */
  report: async ({ perSecond, seconds }, { log }) => {
    const startedAt = performance.now()
    for (let told = 0; told < perSecond * seconds; ) {
      await new Promise(resolve => setTimeout(resolve, BURST_MS))
      const due = Math.min(perSecond * seconds, ((performance.now() - startedAt) / 1000) * perSecond)
      for (; told < due; told++) log('info', `Read page ${told} of 5,000`)
    }
    return null
  },
}

// oxlint-disable-next-line import/no-default-export -- the form of a module of tools
export default tools
