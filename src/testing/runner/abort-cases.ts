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
  ['after an abort usage still counts, and other emissions are dropped', checkUsage],
  ['an abort of an attempt that is over or unknown changes nothing', checkUnknown],
  ['only the attempt that is named is aborted', checkNamed],
]

function untilAborted({ signal }: ToolContext): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}

async function checkTimeout(createRunner: CreateRunner): Promise<void> {
  const { report } = await startAttempt(createRunner, (_, context) => untilAborted(context), { timeoutMs: 20 })
  const settled = await report
  const found = settled.status === 'error' ? { code: settled.code, isRetryable: settled.isRetryable } : settled.status
  expectSame('the report', found, { code: 'TASK_TIMEOUT', isRetryable: true })
  expectSame('whether it was abandoned', settled.abandoned === true, false)
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
  const called = createGate()
  const { runner, command, sink, report } = await startAttempt(createRunner, () => {
    called.open()
    return new Promise(() => {})
  })
  await within(called.opened, 'the call of the tool')
  const startedAt = performance.now()
  runner.abort(command, REASON)
  expectSame('whether it settled before the grace was over', sink.names, [])
  const { status, abandoned } = await report
  expectSame('the report', { status, abandoned }, { status: 'cancelled', abandoned: true })
  expectSame('whether that took the grace', performance.now() - startedAt >= GRACE_MS - 2, true)
}

async function checkUsage(createRunner: CreateRunner): Promise<void> {
  const called = createGate()
  const { runner, command, sink, report } = await startAttempt(createRunner, async (_, context) => {
    called.open()
    await untilAborted(context).catch(() => {})
    context.emitToken('late')
    context.log('info', 'late')
    context.reportUsage({ totalTokensIn: 7 })
    return null
  })
  await within(called.opened, 'the call of the tool')
  runner.abort(command, REASON)
  await report
  const kept = sink.calls.filter(([name]) => name !== 'dropped')
  expectSame('the calls', kept, [
    ['usage', { totalTokensIn: 7 }],
    ['settled', 'cancelled'],
  ])
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
