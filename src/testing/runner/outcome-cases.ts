import type { AttemptReport } from '../../attempt/attempt-outcome.ts'
import { systemClock } from '../../clock.ts'
import { sleep } from '../../sleep.ts'
import { JsonNumber } from '../../json/json-number.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import type { ToolContext } from '../../tools/tool.ts'
import { expectSame } from '../expectations.ts'
import { createGate, type CreateRunner, startAttempt, startOn } from './runner-rig.ts'

/** A sentence of behaviour with its check, which throws if a runner violates it. */
export type RunnerCheck = readonly [name: string, check: (createRunner: CreateRunner) => Promise<void>]

/** Requirements on a runner for tools that settle. */
export const OUTCOME_CASES: readonly RunnerCheck[] = [
  ['a value is the output, as JSON at the moment at which the tool settled', checkOutput],
  ['a tool gets its arguments and what identifies its attempt', checkCall],
  ['numbers keep their digits for a tool with exact numbers, and are doubles for others', checkNumbers],
  ['an error is a failure with its code and message', checkFailure],
  ['an output that is not JSON is a failure that is not retried', checkNoJson],
  ['a tool that is not there is a failure that is not retried', checkUnknownTool],
  ['arguments that the schema refuses are a failure, and the tool is not called', checkArguments],
  ['attempts at once keep apart', checkApart],
  ['an attempt does not wait for another one', checkAtOnce],
  ['whatever a tool throws is a failure', checkThrown],
  ['the time of an attempt is that of the call of its tool', checkTime],
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
  const calls: unknown[] = []
  let text = ''
  const execute = (args: object, context: ToolContext): unknown => {
    const { executionId, taskId, attempt, idempotencyKey, traceparent, signal } = context
    text = stringifyJson(args)
    calls.push({ executionId, taskId, attempt, idempotencyKey, traceparent, aborted: signal.aborted })
    return null
  }
  const given = '{"b":[1,null,{"é 🧵":"\\u0000"}],"a":{},"__proto__":{"x":true},"n":-0.5}'
  const { command, sink, report } = await startAttempt(createRunner, execute, {
    arguments: JSON.parse(given) as unknown,
    attempt: 3,
    traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
  })
  const { executionTimeMs } = await report
  const { executionId, taskId, attempt, idempotencyKey, traceparent } = command
  await sleep(systemClock, 10)
  const expected = { executionId, taskId, attempt, idempotencyKey, traceparent, aborted: false }
  expectSame('the calls of the tool', calls, [expected])
  expectSame('its arguments', text, given)
  expectSame('the reports', sink.names, ['settled'])
  expectSame('whether its time is a number, 0 or more', executionTimeMs >= 0, true)
}

async function checkNumbers(createRunner: CreateRunner): Promise<void> {
  const given = { n: new JsonNumber('9007199254740993.10') }
  let text = ''
  const execute = (args: object): null => {
    text = stringifyJson(args)
    return null
  }
  const numbers = { arguments: given, mayHoldJsonNumbers: true }
  await (await startAttempt(createRunner, execute, { ...numbers, exactNumbers: true })).report
  expectSame('the arguments of a tool with exact numbers', text, '{"n":9007199254740993.10}')
  await (await startAttempt(createRunner, execute, numbers)).report
  expectSame('the arguments of another tool', text, '{"n":9007199254740994}')
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

async function checkAtOnce(createRunner: CreateRunner): Promise<void> {
  const both = createGate()
  let startedCount = 0
  const { runner, report } = await startAttempt(createRunner, async () => {
    startedCount += 1
    if (startedCount === 2) both.open()
    await both.opened
    return null
  })
  const other = startOn(runner)
  expectSame('the status of both', [(await report).status, (await other.report).status], ['success', 'success'])
}

async function checkThrown(createRunner: CreateRunner): Promise<void> {
  const unreadable = {
    get message(): string {
      throw new Error('unreadable')
    },
  }
  for (const thrown of ['text', undefined, null, 7, unreadable]) {
    const { report, sink } = await startAttempt(createRunner, () => {
      throw thrown
    })
    const settled = await report
    const found = settled.status === 'error' ? [settled.code, settled.isRetryable] : settled.status
    expectSame(`the report after ${typeof thrown} was thrown`, found, ['TOOL_ERROR', true])
    expectSame('the calls', sink.names, ['settled'])
  }
}

async function checkTime(createRunner: CreateRunner): Promise<void> {
  const { runner, report } = await startAttempt(createRunner, () => sleep(systemClock, 40))
  const { executionTimeMs } = await report
  expectSame(`whether a time of ${executionTimeMs} ms has the 40 ms of the tool`, executionTimeMs >= 35, true)
  const missing = await startOn(runner, { tool: 'another' }).report
  expectSame('the time of a tool that was not called', missing.executionTimeMs, 0)
}

function expectFinal(what: string, report: AttemptReport, code: string): void {
  const found = report.status === 'error' ? { code: report.code, isRetryable: report.isRetryable } : report.status
  expectSame(what, found, { code, isRetryable: false })
}
