import { systemClock } from '../../clock.ts'
import { sleep } from '../../sleep.ts'
import { expectSame } from '../expectations.ts'
import type { RunnerCheck } from './outcome-cases.ts'
import { type CreateRunner, startAttempt, startOn } from './runner-rig.ts'

/** Requirements on a runner for tools that ask people. */
export const QUESTION_CASES: readonly RunnerCheck[] = [
  ['a question reaches the sink, and its answer the tool', checkAnswer],
  ['questions are answered by their numbers, in any order', checkOrder],
  ['a question that fails is a failure with its code that is not retried', checkRefusal],
  ['an abort ends what waits for an answer', checkAbort],
  ['the time of an attempt stands still while a question is open', checkTime],
  ['an answer to what is over or unknown changes nothing', checkUnknown],
  ['an answer reaches the attempt that is named', checkNamed],
  ['the questions of an attempt are numbered in turn', checkTurns],
]

async function checkAnswer(createRunner: CreateRunner): Promise<void> {
  const schema = { type: 'object' }
  const { runner, command, sink, report } = await startAttempt(createRunner, (_, { ask }) =>
    ask({ message: 'Which?', schema, expiresMs: 1000, default: {}, secret: true }),
  )
  await sink.questions(1)
  const question = { number: 1, message: 'Which?', schema, expiresMs: 1000, default: {}, secret: true }
  expectSame('the question', sink.calls, [['question', question]])
  runner.answer(command, 1, { status: 'answered', response: { n: [1, 'é'] } })
  const settled = await report
  expectSame('the output', settled.status === 'success' && settled.output.read(), { n: [1, 'é'] })
}

async function checkOrder(createRunner: CreateRunner): Promise<void> {
  const { runner, command, sink, report } = await startAttempt(createRunner, (_, { ask }) =>
    Promise.all(['a', 'b', 'c'].map(message => ask({ message }))),
  )
  await sink.questions(3)
  for (const number of [3, 1, 2]) runner.answer(command, number, { status: 'answered', response: number })
  const settled = await report
  expectSame('the answers', settled.status === 'success' && settled.output.read(), [1, 2, 3])
}

async function checkRefusal(createRunner: CreateRunner): Promise<void> {
  const { runner, command, sink, report } = await startAttempt(createRunner, (_, { ask }) => ask({ message: 'Go?' }))
  await sink.questions(1)
  runner.answer(command, 1, { status: 'failed', code: 'INPUT_DECLINED', message: 'no' })
  const settled = await report
  const found = settled.status === 'error' ? [settled.code, settled.message, settled.isRetryable] : [settled.status]
  expectSame('the failure', found, ['INPUT_DECLINED', 'no', false])
}

async function checkAbort(createRunner: CreateRunner): Promise<void> {
  const { runner, command, sink, report } = await startAttempt(createRunner, (_, { ask }) => ask({ message: 'Go?' }))
  await sink.questions(1)
  runner.abort(command, { code: 'CANCELLED', message: 'Enough' })
  const { status, abandoned } = await report
  expectSame('the report', [status, abandoned === true], ['cancelled', false])
}

async function checkTime(createRunner: CreateRunner): Promise<void> {
  // Far apart, so that a machine under load tells them apart.
  const [timeoutMs, openMs] = [200, 1000]
  const { runner, command, sink, report } = await startAttempt(
    createRunner,
    async (_, { ask, signal }) => {
      await ask({ message: 'Go?' })
      // Longer than the remaining time.
      await sleep(systemClock, 10_000, signal)
    },
    { timeoutMs },
  )
  await sink.questions(1)
  await sleep(systemClock, openMs)
  expectSame('the calls while it waited', sink.names, ['question'])
  runner.answer(command, 1, { status: 'answered', response: null })
  const settled = await report
  expectSame('the code', settled.status === 'error' && settled.code, 'TASK_TIMEOUT')
  expectSame('whether the wait is no time of the attempt', settled.executionTimeMs < openMs, true)
}

async function checkUnknown(createRunner: CreateRunner): Promise<void> {
  const { runner, command, sink, report } = await startAttempt(createRunner, (_, { ask }) => ask({ message: 'Go?' }))
  await sink.questions(1)
  const answer = { status: 'answered', response: 1 } as const
  runner.answer(command, 2, answer)
  runner.answer({ ...command, executionId: 'unknown' }, 1, answer)
  runner.answer(command, 1, answer)
  runner.answer(command, 1, { ...answer, response: 2 })
  const settled = await report
  expectSame('the output', settled.status === 'success' && settled.output.read(), 1)
  runner.answer(command, 1, answer)
}

async function checkNamed(createRunner: CreateRunner): Promise<void> {
  const { runner, command, sink, report } = await startAttempt(createRunner, (_, { ask }) => ask({ message: 'Go?' }))
  const next = startOn(runner, { ...command, attempt: 2 })
  await sink.questions(1)
  await next.sink.questions(1)
  runner.answer(next.command, 1, { status: 'answered', response: 2 })
  const second = await next.report
  expectSame('the output of the attempt that is named', second.status === 'success' && second.output.read(), 2)
  expectSame('the calls of the other one', sink.names, ['question'])
  runner.answer(command, 1, { status: 'answered', response: 1 })
  const first = await report
  expectSame('the output of the other one', first.status === 'success' && first.output.read(), 1)
}

async function checkTurns(createRunner: CreateRunner): Promise<void> {
  const { runner, command, sink, report } = await startAttempt(createRunner, async (_, { ask }) => [
    await ask({ message: 'First?' }),
    await ask({ message: 'Second?' }),
  ])
  for (const number of [1, 2]) {
    await sink.questions(number)
    runner.answer(command, number, { status: 'answered', response: `answer ${number}` })
  }
  const settled = await report
  expectSame('the answers', settled.status === 'success' && settled.output.read(), ['answer 1', 'answer 2'])
  const asked = sink.calls.filter(([name]) => name === 'question').map(([, question]) => question)
  expectSame('the questions', asked, [
    { number: 1, message: 'First?' },
    { number: 2, message: 'Second?' },
  ])
}
