import { systemClock } from '../../clock.ts'
import { sleep } from '../../sleep.ts'
import { expectSame } from '../expectations.ts'
import type { RunnerCheck } from './outcome-cases.ts'
import { type CreateRunner, startAttempt, startOn } from './runner-rig.ts'

/** Requirements on a runner at its end. */
export const CLOSE_CASES: readonly RunnerCheck[] = [
  ['a runner that is closed leaves no timers of its attempts', checkTimers],
]

/** More than other cases have at once. */
const ATTEMPTS = 300

async function checkTimers(createRunner: CreateRunner): Promise<void> {
  const before = countTimers()
  const { runner, report } = await startAttempt(createRunner, () => null, { timeoutMs: 60_000 })
  const others = Array.from({ length: ATTEMPTS }, () => startOn(runner, { timeoutMs: 60_000 }))
  const reports = await Promise.all([report, ...others.map(other => other.report)])
  expectSame('how many succeeded', reports.filter(({ status }) => status === 'success').length, ATTEMPTS + 1)
  runner.close?.()
  // Reports that are still on their way.
  await sleep(systemClock, 20)
  const left = countTimers() - before
  if (left > ATTEMPTS / 2) throw new Error(`Expected no timers after close(), found ${left} for ${ATTEMPTS} attempts`)
}

/** Timers that keep the process running; 0 where the runtime does not tell. */
function countTimers(): number {
  const { process } = globalThis as { readonly process?: { readonly getActiveResourcesInfo?: () => readonly string[] } }
  return process?.getActiveResourcesInfo?.().filter(name => name === 'Timeout').length ?? 0
}
