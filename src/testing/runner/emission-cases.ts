import { systemClock } from '../../clock.ts'
import { sleep } from '../../sleep.ts'
import type { ToolContext } from '../../tools/tool.ts'
import { expectSame } from '../expectations.ts'
import type { RunnerCheck } from './outcome-cases.ts'
import { createGate, type CreateRunner, type RecordingSink, startAttempt, within } from './runner-rig.ts'

/** Requirements on a runner for what tools emit. */
export const EMISSION_CASES: readonly RunnerCheck[] = [
  ['emissions are reported in their order, before the outcome', checkEmissions],
  ['an attempt settles once, and what its tool emits later is dropped', checkOnce],
  ['after an abort usage still counts, and other emissions are dropped', checkDropped],
  ['usage counts, however the attempt ends', checkUsage],
]

async function checkEmissions(createRunner: CreateRunner): Promise<void> {
  const { sink, report } = await startAttempt(createRunner, async (_, context) => {
    context.emitToken('Hel')
    context.emitToken('')
    context.emitToken('lo é 🧵 \u0000')
    await sleep(systemClock, 5)
    context.reportProgress({ progress: 1, total: 2 })
    context.log('warning', 'careful')
    context.reportUsage({ totalTokensIn: 3 })
    return null
  })
  const { metrics } = await report
  const tokens = sink.calls.filter(([name]) => name === 'token').map(([, text]) => text)
  expectSame('the tokens', tokens.join(''), 'Hello é 🧵 \u0000')
  expectSame('whether a token is empty', tokens.includes(''), false)
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

async function checkDropped(createRunner: CreateRunner): Promise<void> {
  const called = createGate()
  const { runner, command, sink, report } = await startAttempt(createRunner, async (_, context) => {
    called.open()
    await aborted(context)
    context.emitToken('late')
    context.log('info', 'late')
    context.reportUsage({ totalTokensIn: 7 })
    return null
  })
  await within(called.opened, 'the call of the tool')
  runner.abort(command, { code: 'CANCELLED', message: 'Enough' })
  await report
  const kept = sink.calls.filter(([name]) => name !== 'dropped')
  expectSame('the calls', kept, [
    ['usage', { totalTokensIn: 7 }],
    ['settled', 'cancelled'],
  ])
  expectSame('how many emissions were dropped', sink.calls.length - kept.length, 2)
}

async function checkUsage(createRunner: CreateRunner): Promise<void> {
  const failed = await startAttempt(createRunner, (_, { reportUsage }) => {
    reportUsage({ totalTokensIn: 3 })
    reportUsage({ totalTokensOut: 1, totalCost: 0.5 })
    throw new Error('No')
  })
  expectSame('the status', (await failed.report).status, 'error')
  expectSame('the usage of a tool that failed', sum(failed.sink), {
    totalTokensIn: 3,
    totalTokensOut: 1,
    totalCost: 0.5,
  })
  const late = await startAttempt(
    createRunner,
    async (_, context) => {
      context.reportUsage({ totalTokensIn: 3 })
      await aborted(context)
      context.reportUsage({ totalTokensIn: 4 })
    },
    { timeoutMs: 20 },
  )
  expectSame('the status', (await late.report).status, 'error')
  expectSame('the usage of a tool that took too long', sum(late.sink), { totalTokensIn: 7 })
  for (const { sink } of [failed, late]) expectSame('the last call', sink.names.at(-1), 'settled')
}

function aborted({ signal }: ToolContext): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** The sum of the reported usage. */
function sum({ calls }: RecordingSink): Readonly<Record<string, number>> {
  const total: Record<string, number> = {}
  for (const [name, delta] of calls) {
    if (name !== 'usage') continue
    for (const [field, value] of Object.entries(delta as Record<string, number>))
      total[field] = (total[field] ?? 0) + value
  }
  return total
}
