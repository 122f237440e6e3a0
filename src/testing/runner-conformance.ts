import { ABORT_CASES } from './runner-abort-cases.ts'
import { OUTCOME_CASES } from './runner-outcome-cases.ts'
import type { CreateRunner } from './runner-rig.ts'

/** One thing that a runner must do. */
export interface RunnerCase {
  /** A sentence of behaviour. */
  readonly name: string
  /** Resolves if the runner does it; rejects with an `Error` that says what was expected and what was found. */
  readonly run: () => Promise<void>
}

/**
 * Everything that an `AttemptRunner` must do, in cases for any test runner. They take real time, some 100 ms each.
 *
 * @param createRunner makes a runner of the tools that it is given; the suite calls it once for each case
 * @example
 * for (const { name, run } of testRunner((tools, options) => createMyRunner(tools, options))) test(name, run)
 */
export function testRunner(createRunner: CreateRunner): readonly RunnerCase[] {
  return [...OUTCOME_CASES, ...ABORT_CASES].map(([name, check]) => ({ name, run: () => check(createRunner) }))
}
