import type { AttemptReport } from '../../attempt/attempt-outcome.ts'
import { systemClock } from '../../clock.ts'
import { sleep } from '../../sleep.ts'
import type { ToolContext } from '../../tools/tool.ts'
import { expectSame } from '../expectations.ts'
import { type CreateRunner, startAttempt, startOn } from './runner-rig.ts'

/** A sentence of behaviour with its check, which throws if a runner violates it. */
export type RunnerCheck = readonly [name: string, check: (createRunner: CreateRunner) => Promise<void>]

/** Requirements on a runner for tools that settle. */
export const OUTCOME_CASES: readonly RunnerCheck[] = [
  ['a value is the output, as JSON at the moment at which the tool settled', checkOutput],
  ['a tool gets its arguments and what identifies its attempt', checkCall],
  ['an error is a failure with its code and message', checkFailure],
  ['an output that is not JSON is a failure that is not retried', checkNoJson],
  ['a tool that is not there is a failure that is not retried', checkUnknownTool],
  ['arguments that the schema refuses are a failure, and the tool is not called', checkArguments],
  ['emissions are reported in their order, before the outcome', checkEmissions],
  ['an attempt settles once, and what its tool emits later is dropped', checkOnce],
  ['attempts at once keep apart', checkApart],
]

function show(report: AttemptReport): unknown {
  const { executionTimeMs: _, metrics: __, abandoned: ___, ...outcome } = report
  return 'output' in outcome ? { ...outcome, output: outcome.output.read() } : outcome
}

async function checkOutput(createRunner: CreateRunner): Promise<void> {
  const output = { n: [1, null, 'é 🧵'] }
  for (const execute of [() => output, async () => output]) {
    const { report } = await startAttempt(createRunner, execute)
    expectSame('the report', show(await report), { status: 'success', output: { n: [1, null, 'é 🧵'] } })
  }
  const { report } = await startAttempt(createRunner, () => {
    void Promise.resolve().then(() => output.n.push(2))
    return output
  })
  const settled = await report
  await sleep(systemClock, 10)
  expectSame('an output that its tool changes later', show(settled), {
    status: 'success',
    output: { n: [1, null, 'é 🧵'] },
  })
}

async function checkCall(createRunner: CreateRunner): Promise<void> {
  let call: unknown
  const execute = (args: object, { executionId, taskId, attempt, idempotencyKey, signal }: ToolContext): unknown => {
    call = { args, executionId, taskId, attempt, idempotencyKey, aborted: signal.aborted }
    return null
  }
  const { command, report } = await startAttempt(createRunner, execute, { arguments: { a: [1] }, attempt: 3 })
  const { executionTimeMs } = await report
  const { executionId, taskId, attempt, idempotencyKey } = command
  expectSame('the call', call, { args: { a: [1] }, executionId, taskId, attempt, idempotencyKey, aborted: false })
  expectSame('whether its time is a number, 0 or more', executionTimeMs >= 0, true)
}

async function checkFailure(createRunner: CreateRunner): Promise<void> {
  const fail = (error: unknown) => () => {
    throw error
  }
  const coded = Object.assign(new Error('Busy'), { code: 'BUSY', retryAfterMs: 5 })
  const final = Object.assign(new Error('Never'), { retryable: false })
  const expected = [
    [fail(new Error('No')), { status: 'error', code: 'TOOL_ERROR', message: 'No', isRetryable: true }],
    [
      () => Promise.reject(coded),
      { status: 'error', code: 'BUSY', message: 'Busy', isRetryable: true, retryAfterMs: 5 },
    ],
    [fail(final), { status: 'error', code: 'TOOL_ERROR', message: 'Never', isRetryable: false }],
  ] as const
  for (const [execute, failure] of expected) {
    const { report } = await startAttempt(createRunner, execute)
    expectSame('the report', show(await report), failure)
  }
}

async function checkNoJson(createRunner: CreateRunner): Promise<void> {
  const { report } = await startAttempt(createRunner, () => 1n)
  expectFinal('the report of a BigInt', await report, 'OUTPUT_NOT_SERIALIZABLE')
}

async function checkUnknownTool(createRunner: CreateRunner): Promise<void> {
  const { report } = await startAttempt(createRunner, () => null, { tool: 'another' })
  expectFinal('the report', await report, 'TOOLS_UNAVAILABLE')
}

async function checkArguments(createRunner: CreateRunner): Promise<void> {
  let isCalled = false
  const inputSchema = { type: 'object', properties: { n: { type: 'number' } } }
  const { report } = await startAttempt(createRunner, () => (isCalled = true), { arguments: { n: 'x' }, inputSchema })
  expectFinal('the report', await report, 'INVALID_ARGUMENTS')
  expectSame('whether the tool was called', isCalled, false)
}

async function checkEmissions(createRunner: CreateRunner): Promise<void> {
  const { sink, report } = await startAttempt(createRunner, async (_, context) => {
    context.emitToken('Hel')
    context.emitToken('lo')
    await sleep(systemClock, 5)
    context.reportProgress({ progress: 1, total: 2 })
    context.log('warning', 'careful')
    context.reportUsage({ totalTokensIn: 3 })
    return null
  })
  const { metrics } = await report
  const tokens = sink.calls.filter(([name]) => name === 'token').map(([, text]) => text)
  expectSame('the tokens', tokens.join(''), 'Hello')
  expectSame('the rest', sink.calls.slice(tokens.length), [
    ['progress', { progress: 1, total: 2 }],
    ['log', 'warning careful'],
    ['usage', { totalTokensIn: 3 }],
    ['settled', 'success'],
  ])
  expectSame('the number of tokens in the metrics', metrics?.tokenCount, 2)
}

async function checkOnce(createRunner: CreateRunner): Promise<void> {
  let emit = (): void => {}
  const { sink, report } = await startAttempt(createRunner, (_, context) => {
    const { emitToken, reportUsage } = context
    emit = () => {
      emitToken('late')
      reportUsage({ totalTokensIn: 1 })
    }
    return null
  })
  await report
  emit()
  await sleep(systemClock, 20)
  expectSame(
    'the calls',
    sink.names.filter(name => name !== 'dropped'),
    ['settled'],
  )
}

async function checkApart(createRunner: CreateRunner): Promise<void> {
  const { runner, report } = await startAttempt(createRunner, async (args, { emitToken }) => {
    const { n = 0 } = args as { n?: number }
    emitToken(String(n))
    await sleep(systemClock, 10 - n)
    return n
  })
  const others = [1, 2, 3, 4].map(n => startOn(runner, { taskId: `task ${n}`, arguments: { n } }))
  await report
  for (const [at, other] of others.entries()) {
    expectSame('the report', show(await other.report), { status: 'success', output: at + 1 })
    expectSame('the calls', other.sink.calls, [
      ['token', String(at + 1)],
      ['settled', 'success'],
    ])
  }
}

function expectFinal(what: string, report: AttemptReport, code: string): void {
  const found = report.status === 'error' ? { code: report.code, isRetryable: report.isRetryable } : report.status
  expectSame(what, found, { code, isRetryable: false })
}
