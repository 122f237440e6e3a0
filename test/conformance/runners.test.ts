import { describe, expect, test } from 'vitest'
import { LocalRunner } from '../../src/attempt/local-runner.ts'
import type { AttemptCommand, AttemptRunner, AttemptSink, Question } from '../../src/attempt/runner.ts'
import { systemClock } from '../../src/clock.ts'
import { JsonValue } from '../../src/events/json-value.ts'
import { testRunner } from '../../src/testing/runner/runner-conformance.ts'
import type { CreateRunner } from '../../src/testing/runner/runner-rig.ts'

const createLocal: CreateRunner = (tools, { abortGraceMs }) =>
  new LocalRunner({ tools, clock: systemClock, abortGraceMs })

/** Hands commands and reports over as JSON text, a moment later each, as a runner on another machine does. */
const createRemote: CreateRunner = async (tools, options) => {
  const local = await createLocal(tools, options)
  const later = (send: () => void): void => void setTimeout(send, 1)
  return {
    start(command, sink) {
      const text = JSON.stringify(command)
      const remoteSink: AttemptSink = {
        token: piece => later(() => sink.token(piece)),
        progress: progress => later(() => sink.progress(progress)),
        log: (level, message) => later(() => sink.log(level, message)),
        usage: delta => later(() => sink.usage(delta)),
        question: question => later(() => sink.question(JSON.parse(JSON.stringify(question)) as Question)),
        dropped: () => later(() => sink.dropped()),
        settled(report) {
          if (report.status !== 'success') return later(() => sink.settled(report))
          const { text: output } = report.output
          later(() => sink.settled({ ...report, output: JsonValue.fromText(output) }))
        },
      }
      later(() => local.start(JSON.parse(text) as AttemptCommand, remoteSink))
    },
    abort: (key, reason) => later(() => local.abort(key, reason)),
    answer: (key, number, answer) => later(() => local.answer(key, number, answer)),
  }
}

describe('the local runner', () => {
  for (const { name, run } of testRunner(createLocal)) test(name, run)
})

describe('a runner that is reached by messages', () => {
  for (const { name, run } of testRunner(createRemote)) test(name, run)
})

/** A runner as it should be, but for what `breakIt` changes. */
const broken = (breakIt: (runner: AttemptRunner) => Partial<AttemptRunner>): CreateRunner => {
  return async (tools, options) => {
    const runner = await createLocal(tools, options)
    const same: AttemptRunner = {
      start: (command, sink) => runner.start(command, sink),
      abort: (key, reason) => runner.abort(key, reason),
      answer: (key, number, answer) => runner.answer(key, number, answer),
    }
    return { ...same, ...breakIt(runner) }
  }
}

function copySink(sink: AttemptSink, change: Partial<AttemptSink>): AttemptSink {
  return {
    token: text => sink.token(text),
    progress: progress => sink.progress(progress),
    log: (level, message) => sink.log(level, message),
    usage: delta => sink.usage(delta),
    question: question => sink.question(question),
    dropped: () => sink.dropped(),
    settled: report => sink.settled(report),
    ...change,
  }
}

/** Calls a sink as it was, but for some methods. */
const withSink = (change: (sink: AttemptSink) => Partial<AttemptSink>): CreateRunner =>
  broken(runner => ({ start: (command, sink) => runner.start(command, copySink(sink, change(sink))) }))

const BROKEN: readonly (readonly [string, CreateRunner, readonly string[]])[] = [
  [
    'settles twice',
    withSink(sink => ({
      settled(report) {
        sink.settled(report)
        sink.settled(report)
      },
    })),
    ['an attempt settles once, and what its tool emits later is dropped'],
  ],
  [
    'ignores aborts',
    broken(() => ({ abort() {} })),
    [
      'an abort reaches the tool, and its attempt is cancelled once the tool has settled',
      'a tool that does not stop is abandoned after the grace',
    ],
  ],
  [
    'ignores time limits',
    broken(runner => ({ start: (command, sink) => runner.start({ ...command, timeoutMs: 0 }, sink) })),
    ['a tool that takes too long is asked to stop, and its attempt times out'],
  ],
  [
    'settles an abort at once, with its tool still running',
    broken(runner => {
      const sinks = new Map<string, AttemptSink>()
      return {
        start(command, sink) {
          sinks.set(`${command.executionId} ${command.attempt}`, sink)
          runner.start(command, sink)
        },
        abort({ executionId, attempt }) {
          sinks.get(`${executionId} ${attempt}`)?.settled({ status: 'cancelled', executionTimeMs: 0 })
        },
      }
    }),
    ['a tool that does not stop is abandoned after the grace'],
  ],
  [
    'aborts every attempt of a task',
    broken(runner => {
      const started: AttemptCommand[] = []
      return {
        start(command, sink) {
          started.push(command)
          runner.start(command, sink)
        },
        abort({ taskId }, reason) {
          for (const command of started) if (command.taskId === taskId) runner.abort(command, reason)
        },
      }
    }),
    ['only the attempt that is named is aborted'],
  ],
  [
    'loses usage after an abort',
    broken(runner => {
      const aborted = new Set<string>()
      return {
        start(command, sink) {
          const usage: AttemptSink['usage'] = delta => {
            if (!aborted.has(command.executionId)) sink.usage(delta)
          }
          runner.start(command, copySink(sink, { usage }))
        },
        abort(key, reason) {
          aborted.add(key.executionId)
          runner.abort(key, reason)
        },
      }
    }),
    ['after an abort usage still counts, and other emissions are dropped'],
  ],
  [
    'forgets which attempt it is',
    broken(runner => ({ start: (command, sink) => runner.start({ ...command, attempt: 1 }, sink) })),
    ['a tool gets its arguments and what identifies its attempt'],
  ],
  [
    'has every failure tried again',
    withSink(sink => ({
      settled: report => sink.settled(report.status === 'error' ? { ...report, isRetryable: true } : report),
    })),
    ['an error is a failure with its code and message', 'an output that is not JSON is a failure that is not retried'],
  ],
  [
    'reports emissions after the outcome',
    withSink(sink => ({ log: (level, message) => void setTimeout(() => sink.log(level, message), 5) })),
    ['emissions are reported in their order, before the outcome'],
  ],
  [
    'answers the first open question, whichever was meant',
    broken(runner => ({ answer: (key, _, answer) => runner.answer(key, 1, answer) })),
    ['questions are answered by their numbers, in any order'],
  ],
  [
    'lets the time limit run while a question is open',
    broken(runner => ({
      start(command, sink) {
        runner.start({ ...command, timeoutMs: 0 }, sink)
        const late = { status: 'error', code: 'TASK_TIMEOUT', message: 'late', isRetryable: true } as const
        if (command.timeoutMs > 0) setTimeout(() => sink.settled({ ...late, executionTimeMs: 1 }), command.timeoutMs)
      },
    })),
    ['the time of an attempt stands still while a question is open'],
  ],
  [
    'throws for a tool that it does not have',
    broken(runner => ({
      start(command, sink) {
        if (command.tool !== 'tool') throw new Error('No such tool')
        runner.start(command, sink)
      },
    })),
    ['a tool that is not there is a failure that is not retried'],
  ],
]

describe('the suite finds a runner that', () => {
  test.each(BROKEN)('%s', { timeout: 60_000 }, async (_, createRunner, expected) => {
    const failed = await Promise.all(
      testRunner(createRunner).map(async ({ name, run }) => {
        try {
          await run()
          return undefined
        } catch {
          return name
        }
      }),
    )
    expect(failed.filter(name => name !== undefined)).toEqual(expect.arrayContaining([...expected]))
  })
})
