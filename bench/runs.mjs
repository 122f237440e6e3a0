/** The workload that most stated figures are about: layers of 100, three dependencies each. */
export const STANDARD = { shape: 'layered', taskCount: 10_000 }

/** The key of a case that `createRun` makes. */
export function runKey(contender, { shape, taskCount } = STANDARD) {
  return `${contender} ${shape} ${taskCount}`
}

/**
 * A case that runs a workload of tasks that do nothing; large ones fewer times, since one run of them is long enough to trust.
 * @returns {import('./rounds.mjs').Case}
 */
export function createRun(contender, { shape, taskCount } = STANDARD, seed = 1) {
  const isLarge = taskCount > 20_000
  return {
    key: runKey(contender, { shape, taskCount }),
    kind: 'run',
    contender,
    shape,
    taskCount,
    seed,
    runs: isLarge ? 2 : 9,
    ...(isLarge && { maxRounds: 3 }),
  }
}
