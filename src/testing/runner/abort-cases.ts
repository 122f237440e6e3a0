import { systemClock } from '../../clock.ts'
import { sleep } from '../../sleep.ts'
import type { ToolContext } from '../../tools/tool.ts'
import { expectSame } from '../expectations.ts'
import type { RunnerCheck } from './outcome-cases.ts'
import { createGate, type CreateRunner, GRACE_MS, startAttempt, startOn, within } from './runner-rig.ts'

const REASON = { code: 'CANCELLED', message: 'Enough' }

/** Requirements on a runner for timeouts and aborts. */
export const ABORT_CASES: readonly RunnerCheck[] = [
  ['a tool that takes too long is asked to stop, and its attempt times out', checkTimeout],
  ['an abort reaches the tool, and its attempt is cancelled once the tool has settled', checkAbort],
  ['a tool that does not stop is abandoned after the grace', checkAbandoned],
  ['a tool that does not stop after its timeout is abandoned after the grace', checkLate],
  ['the grace of a command comes before that of the runner', checkGrace],
  ['an abort that comes at once is not lost', checkAtOnce],
  ['an abort of an attempt that is over or unknown changes nothing', checkUnknown],
  ['only the attempt that is named is aborted', checkNamed],
]

function untilAborted({ signal }: ToolContext): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason as Error)
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}

async function checkTimeout(createRunner: CreateRunner): Promise<void> {
  let reason: unknown
  const execute = (_: object, context: ToolContext): Promise<never> =>
    untilAborted(context).catch((error: unknown) => {
      reason = (error as { code?: unknown }).code
      throw error
    })
  const { report } = await startAttempt(createRunner, execute, { timeoutMs: 20 })
  const settled = await report
  const found = settled.status === 'error' ? { code: settled.code, isRetryable: settled.isRetryable } : settled.status
  expectSame('the report', found, { code: 'TASK_TIMEOUT', isRetryable: true })
  expectSame('whether it was abandoned', settled.abandoned === true, false)
  expectSame('the code of the reason of its signal', reason, 'TASK_TIMEOUT')
}

async function checkAbort(createRunner: CreateRunner): Promise<void> {
  const called = createGate()
  let reason: unknown
  const { runner, command, sink, report } = await startAttempt(createRunner, async (_, context) => {
    called.open()
    try {
      return await untilAborted(context)
    } catch (error) {
      reason = (error as { code?: unknown }).code
      expectSame('whether it settled before its tool', sink.names, [])
      return 'a value that comes too late'
    }
  })
  await within(called.opened, 'the call of the tool')
  runner.abort(command, REASON)
  runner.abort(command, REASON)
  expectSame('the status', (await report).status, 'cancelled')
  expectSame('the code of the reason of its signal', reason, 'CANCELLED')
  expectSame('the calls', sink.names, ['settled'])
}

async function checkAbandoned(createRunner: CreateRunner): Promise<void> {
  const [called, late] = [createGate(), createGate()]
  const { runner, command, sink, report } = await startAttempt(createRunner, async () => {
    called.open()
    await late.opened
    return null
  })
  await within(called.opened, 'the call of the tool')
  const startedAt = performance.now()
  runner.abort(command, REASON)
  expectSame('whether it settled before the grace was over', sink.names, [])
  const { status, abandoned } = await report
  expectSame('the report', { status, abandoned }, { status: 'cancelled', abandoned: true })
  expectSame('whether that took the grace', performance.now() - startedAt >= GRACE_MS - 2, true)
  late.open()
  await sleep(systemClock, 10)
  expectSame('the calls after the tool has settled', sink.names, ['settled'])
}

async function checkLate(createRunner: CreateRunner): Promise<void> {
  const { sink, report } = await startAttempt(createRunner, () => new Promise(() => {}), { timeoutMs: 20 })
  const settled = await report
  const found = settled.status === 'error' ? [settled.code, settled.abandoned] : settled.status
  expectSame('the report', found, ['TASK_TIMEOUT', true])
  expectSame('the calls', sink.names, ['settled'])
}

async function checkGrace(createRunner: CreateRunner): Promise<void> {
  const called = createGate()
  const abortGraceMs = 4 * GRACE_MS
  const execute = (): Promise<never> => {
    called.open()
    return new Promise(() => {})
  }
  const { runner, command, report } = await startAttempt(createRunner, execute, { abortGraceMs })
  await within(called.opened, 'the call of the tool')
  const startedAt = performance.now()
  runner.abort(command, REASON)
  expectSame('whether it was abandoned', (await report).abandoned, true)
  expectSame('whether that took the grace', performance.now() - startedAt >= abortGraceMs - 2, true)
}

/** Before the tool was called, perhaps. */
async function checkAtOnce(createRunner: CreateRunner): Promise<void> {
  const { runner, command, sink, report } = await startAttempt(createRunner, (_, context) => untilAborted(context))
  runner.abort(command, REASON)
  const settled = await report
  expectSame('the report', [settled.status, settled.abandoned === true], ['cancelled', false])
  await sleep(systemClock, GRACE_MS)
  expectSame('the calls', sink.names, ['settled'])
}

async function checkUnknown(createRunner: CreateRunner): Promise<void> {
  const { runner, command, sink, report } = await startAttempt(createRunner, () => 1)
  await report
  runner.abort(command, REASON)
  runner.abort({ ...command, executionId: 'unknown' }, REASON)
  await sleep(systemClock, GRACE_MS)
  expectSame('the calls', sink.names, ['settled'])
}

async function checkNamed(createRunner: CreateRunner): Promise<void> {
  const gate = createGate()
  const { runner, command, report } = await startAttempt(createRunner, async (_, { signal }) => {
    await Promise.race([gate.opened, new Promise(resolve => signal.addEventListener('abort', resolve))])
    return 1
  })
  const next = startOn(runner, { ...command, attempt: 2 })
  const other = startOn(runner, { taskId: command.taskId })
  await sleep(systemClock, 20)
  runner.abort(next.command, REASON)
  expectSame('the status of the attempt that is named', (await next.report).status, 'cancelled')
  gate.open()
  expectSame('the others', [(await report).status, (await other.report).status], ['success', 'success'])
}
