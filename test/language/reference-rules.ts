import { ConditionFailure } from './condition.ts'
import { type Ending, isFailure, isHarmlessSkip, type Outcome } from './outcome.ts'
import { type Json, ReferenceNotFound } from './reference-template.ts'
import type { Behaviour, Task } from './surroundings.ts'

/** The ending that the dependencies decide; `undefined` if the task is to run. */
export function decide(
  { runOn = 'success' }: Task,
  all: readonly Outcome[],
  read: readonly Outcome[],
): Ending | undefined {
  if (runOn === 'settled') return undefined
  const hasFailure = all.some(isFailure)
  if (runOn === 'failure') {
    return hasFailure || all.some(({ substitute }) => substitute !== undefined) ? undefined : skip('NOT_NEEDED')
  }
  if (hasFailure) return skip('DEPENDENCY_FAILED')
  return read.some(isHarmlessSkip) ? skip('DEPENDENCY_SKIPPED') : undefined
}

/** Turns what cannot be evaluated into a failure. */
export function guard(run: () => Ending): Ending {
  try {
    return run()
  } catch (error) {
    if (error instanceof ConditionFailure) return fail('CONDITION_FAILED')
    if (error instanceof ReferenceNotFound) return fail('REFERENCE_NOT_FOUND')
    throw error
  }
}

/** Attempts until one succeeds, or none is left. */
export function callTool({ tool = '', retry }: Task, taskId: string, args: Json, behave: Behaviour): Ending {
  for (let attempt = 1; ; attempt++) {
    const done = behave({ tool, taskId, attempt, args })
    if ('output' in done) return { status: 'success', output: done.output, attempts: attempt }
    if (done.isFinal || attempt >= (retry?.maxAttempts ?? 1)) return { ...fail(done.code), attempts: attempt }
  }
}

/** How a task is run. */
export function findKind({ forEach, repeat, workflow }: Task): Outcome['kind'] {
  if (forEach !== undefined) return 'forEach'
  if (repeat !== undefined) return 'repeat'
  return workflow === undefined ? 'tool' : 'workflow'
}

/** The tool that events name. */
export function nameTool({ tool, workflow }: Task): string {
  if (workflow === undefined) return tool
  return typeof workflow === 'string' ? `workflow:${workflow}` : 'workflow'
}

/** A failure. */
export const fail = (code: string): Ending => ({ status: 'error', code })

/** A skip. */
export const skip = (code: string): Ending => ({ status: 'skipped', code })

/** What `$ERROR` and `error` read, without the message. */
export const findError = ({ code }: Outcome): { readonly code: string } | null => (code === undefined ? null : { code })
