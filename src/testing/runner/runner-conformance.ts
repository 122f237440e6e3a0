import { ABORT_CASES } from './abort-cases.ts'
import { CLOSE_CASES } from './close-cases.ts'
import { EMISSION_CASES } from './emission-cases.ts'
import { OUTCOME_CASES } from './outcome-cases.ts'
import { QUESTION_CASES } from './question-cases.ts'
import type { CreateRunner } from './runner-rig.ts'

/** One requirement on a runner. */
export interface RunnerCase {
  /** A sentence of behaviour. */
  readonly name: string
  /** Resolves if the runner conforms; rejects with an `Error` that names the expected and the actual value. */
  readonly run: () => Promise<void>
}

/**
 * The conformance suite of an `AttemptRunner`, as cases for any test runner. The cases take real time, about 100 ms each, one of
 * them 1.2 s; they may run at once.
 *
 * @param createRunner creates a runner of the given tools; called at least once per case
 * @example for (const { name, run } of testRunner((tools, options) => createMyRunner(tools, options))) test(name, run)
 */
export function testRunner(createRunner: CreateRunner): readonly RunnerCase[] {
  return [...OUTCOME_CASES, ...EMISSION_CASES, ...ABORT_CASES, ...QUESTION_CASES, ...CLOSE_CASES].map(
    ([name, check]) => ({
      name,
      run: () => check(createRunner),
    }),
  )
}
