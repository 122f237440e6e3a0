import { LocalRunner } from '../../../src/attempt/local-runner.ts'
import type { AttemptCommand, AttemptKey, AttemptRunner, AttemptSink } from '../../../src/attempt/runner.ts'
import { systemClock } from '../../../src/clock.ts'
import { JsonValue } from '../../../src/events/json-value.ts'
import type { CreateRunner } from '../../../src/testing/runner/runner-rig.ts'
import type { Planted } from './planted.ts'

/** The faulty parts of a runner. */
type RunnerPlant = (runner: AttemptRunner) => Partial<AttemptRunner>

/** A runner as it should be, but for its faulty parts. */
export function createPlanted(plant: RunnerPlant): CreateRunner {
  return (tools, { abortGraceMs }) => {
    const runner = new LocalRunner({ tools, clock: systemClock, abortGraceMs })
    const same: AttemptRunner = {
      start: (command, sink) => runner.start(command, sink),
      abort: (key, reason) => runner.abort(key, reason),
      answer: (key, number, answer) => runner.answer(key, number, answer),
      close: () => runner.close(),
    }
    return { ...same, ...plant(runner) }
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
const sinks =
  (change: (sink: AttemptSink, command: AttemptCommand) => Partial<AttemptSink>): RunnerPlant =>
  runner => ({ start: (command, sink) => runner.start(command, copySink(sink, change(sink, command))) })

/** Starts another command than was given. */
const commands =
  (change: (command: AttemptCommand) => Partial<AttemptCommand>): RunnerPlant =>
  runner => ({ start: (command, sink) => runner.start({ ...command, ...change(command) }, sink) })

const SILENT: AttemptSink = {
  token: () => {},
  progress: () => {},
  log: () => {},
  usage: () => {},
  question: () => {},
  dropped: () => {},
  settled: () => {},
}

const nameOf = ({ executionId, taskId, attempt }: AttemptKey): string => `${executionId} ${taskId} ${attempt}`

const CALL = 'a tool gets its arguments and what identifies its attempt'
const FAILURE = 'an error is a failure with its code and message'
const EMISSIONS = 'emissions are reported in their order, before the outcome'
const ONCE = 'an attempt settles once, and what its tool emits later is dropped'
const DROPPED = 'after an abort usage still counts, and other emissions are dropped'
const USAGE = 'usage counts, however the attempt ends'
const ABORT = 'an abort reaches the tool, and its attempt is cancelled once the tool has settled'
const ABANDONED = 'a tool that does not stop is abandoned after the grace'
const TIMEOUT = 'a tool that takes too long is asked to stop, and its attempt times out'
const TIME = 'the time of an attempt is that of the call of its tool'

/** Faults of runners. */
export const RUNNER_FAULTS: readonly Planted<RunnerPlant>[] = [
  [
    'calls a tool twice',
    runner => ({
      start(command, sink) {
        runner.start(command, sink)
        runner.start(command, SILENT)
      },
    }),
    CALL,
  ],
  [
    'changes arguments',
    commands(({ arguments: given }) => ({
      arguments: typeof given === 'object' && given !== null ? { ...given, extra: 1 } : given,
    })),
    CALL,
  ],
  [
    'loses members that are named like built-in ones',
    commands(({ arguments: given }) => {
      const { ['__proto__']: _, ...rest } = given as Record<string, unknown>
      return { arguments: rest }
    }),
    CALL,
  ],
  [
    'sorts the members of arguments',
    commands(({ arguments: given }) => ({
      arguments: Object.fromEntries(Object.entries(given as object).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    })),
    CALL,
  ],
  ['forgets which attempt it is', commands(() => ({ attempt: 1 })), CALL],
  [
    'makes an idempotency key for each attempt',
    commands(({ idempotencyKey, attempt }) => ({ idempotencyKey: `${idempotencyKey} ${attempt}` })),
    CALL,
  ],
  ['loses the trace context', commands(() => ({ traceparent: undefined })), CALL],
  [
    'sends arguments as doubles',
    commands(({ arguments: given }) => ({ arguments: JSON.parse(JSON.stringify(given)) as unknown })),
    'numbers keep their digits for a tool with exact numbers, and are doubles for others',
  ],
  [
    'gives every tool exact numbers',
    commands(({ arguments: given }) => ({ arguments: given, mayHoldJsonNumbers: false })),
    'numbers keep their digits for a tool with exact numbers, and are doubles for others',
  ],
  [
    'reads an output later',
    sinks(sink => ({
      settled: report =>
        void setTimeout(
          () => sink.settled(report.status === 'success' ? { ...report, output: JsonValue.from('changed') } : report),
          1,
        ),
    })),
    'a value is the output, as JSON at the moment at which the tool settled',
  ],
  [
    'has every failure tried again',
    sinks(sink => ({
      settled: report => sink.settled(report.status === 'error' ? { ...report, isRetryable: true } : report),
    })),
    FAILURE,
  ],
  [
    'swallows the code of an error',
    sinks(sink => ({
      settled: report =>
        sink.settled(report.status === 'error' && report.code === 'BUSY' ? { ...report, code: 'TOOL_ERROR' } : report),
    })),
    FAILURE,
  ],
  [
    'swallows the delay that a tool asks for',
    sinks(sink => ({
      settled(report) {
        if (report.status !== 'error') return sink.settled(report)
        const { retryAfterMs: _, ...rest } = report
        sink.settled(rest)
      },
    })),
    FAILURE,
  ],
  [
    'swallows the message of an error',
    sinks(sink => ({
      settled: report => sink.settled(report.status === 'error' ? { ...report, message: 'Failed' } : report),
    })),
    FAILURE,
  ],
  [
    'takes a failure for a success',
    sinks(sink => ({
      settled: ({ executionTimeMs }) =>
        sink.settled({ status: 'success', output: JsonValue.from(null), executionTimeMs }),
    })),
    FAILURE,
  ],
  [
    'takes undefined for no failure',
    sinks(sink => ({
      settled: report =>
        sink.settled(
          report.status === 'error' && report.message.includes('undefined') ? { ...report, code: 'OTHER' } : report,
        ),
    })),
    'whatever a tool throws is a failure',
  ],
  [
    'throws for a tool that it does not have',
    runner => ({
      start(command, sink) {
        if (command.tool !== 'tool') throw new Error('expected a known tool')
        runner.start(command, sink)
      },
    }),
    'a tool that is not there is a failure that is not retried',
  ],
  ['reports no time', sinks(sink => ({ settled: report => sink.settled({ ...report, executionTimeMs: 0 }) })), TIME],
  [
    'counts time without a call',
    sinks(sink => ({
      settled: report => sink.settled({ ...report, executionTimeMs: Math.max(50, report.executionTimeMs) }),
    })),
    TIME,
  ],
  [
    'runs one attempt after the other',
    runner => {
      let last: Promise<void> = Promise.resolve()
      return {
        start(command, sink) {
          const before = last
          last = new Promise(resolve => {
            const settled: AttemptSink['settled'] = report => {
              sink.settled(report)
              resolve()
            }
            void before.then(() => runner.start(command, copySink(sink, { settled })))
          })
        },
      }
    },
    'an attempt does not wait for another one',
  ],
  [
    'mixes up the emissions of attempts',
    runner => {
      let first: AttemptSink | undefined
      return {
        start(command, sink) {
          first ??= sink
          const { token } = { token: (text: string) => first?.token(text) }
          runner.start(command, copySink(sink, { token }))
        },
      }
    },
    'attempts at once keep apart',
  ],
  [
    'reports emissions after the outcome',
    sinks(sink => ({ log: (level, message) => void setTimeout(() => sink.log(level, message), 5) })),
    EMISSIONS,
  ],
  [
    'reports emissions in another order',
    sinks(sink => ({
      progress: progress => queueMicrotask(() => sink.progress(progress)),
    })),
    EMISSIONS,
  ],
  [
    'reports empty tokens',
    sinks(sink => ({
      token(text) {
        sink.token(text)
        sink.token('')
      },
    })),
    EMISSIONS,
  ],
  [
    'loses the last token',
    sinks(sink => {
      let held: string | undefined
      return {
        token(text) {
          if (held !== undefined) sink.token(held)
          held = text
        },
      }
    }),
    EMISSIONS,
  ],
  [
    'settles twice',
    sinks(sink => ({
      settled(report) {
        sink.settled(report)
        sink.settled(report)
      },
    })),
    ONCE,
  ],
  [
    'reports usage after the outcome',
    runner => ({
      start(command, sink) {
        runner.start(command, copySink(sink, { dropped: () => sink.usage({ totalTokensIn: 1 }) }))
      },
    }),
    ONCE,
  ],
  ['does not count what it drops', sinks(() => ({ dropped: () => {} })), DROPPED],
  [
    'loses usage after an abort',
    runner => {
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
    },
    DROPPED,
  ],
  [
    'loses the usage of a failure',
    sinks(sink => {
      const held: Parameters<AttemptSink['usage']>[0][] = []
      return {
        usage: delta => void held.push(delta),
        settled(report) {
          if (report.status !== 'error' || report.code === 'TASK_TIMEOUT') for (const delta of held) sink.usage(delta)
          sink.settled(report)
        },
      }
    }),
    USAGE,
  ],
  [
    'loses the usage of a timeout',
    sinks(sink => {
      const held: Parameters<AttemptSink['usage']>[0][] = []
      return {
        usage: delta => void held.push(delta),
        settled(report) {
          if (report.status !== 'error' || report.code !== 'TASK_TIMEOUT') for (const delta of held) sink.usage(delta)
          sink.settled(report)
        },
      }
    }),
    USAGE,
  ],
  [
    'replaces usage by the last one',
    sinks(sink => {
      let last: Parameters<AttemptSink['usage']>[0] | undefined
      return {
        usage: delta => void (last = delta),
        settled(report) {
          if (last !== undefined) sink.usage(last)
          sink.settled(report)
        },
      }
    }),
    USAGE,
  ],
  ['ignores aborts', () => ({ abort() {} }), ABORT],
  [
    'loses an abort that comes before the call',
    runner => ({
      start: (command, sink) => void setTimeout(() => runner.start(command, sink), 2),
    }),
    'an abort that comes at once is not lost',
  ],
  [
    'loses the reason of an abort',
    runner => ({ abort: key => runner.abort(key, { code: 'SHUTTING_DOWN', message: '' }) }),
    ABORT,
  ],
  [
    'takes the value of an aborted tool',
    sinks(sink => ({
      settled: report =>
        sink.settled(
          report.status === 'cancelled' && report.abandoned !== true
            ? { ...report, status: 'success', output: JsonValue.from(null) }
            : report,
        ),
    })),
    ABORT,
  ],
  [
    'settles an abort at once, with its tool still running',
    runner => {
      const started = new Map<string, AttemptSink>()
      return {
        start(command, sink) {
          started.set(nameOf(command), sink)
          runner.start(command, sink)
        },
        abort: key => started.get(nameOf(key))?.settled({ status: 'cancelled', executionTimeMs: 0 }),
      }
    },
    ABANDONED,
  ],
  [
    'says nothing of a tool that it abandons',
    sinks(sink => ({ settled: report => sink.settled({ ...report, abandoned: false }) })),
    ABANDONED,
  ],
  [
    'settles again when an abandoned tool has ended',
    sinks(sink => {
      let isAbandoned = false
      return {
        settled(report) {
          sink.settled(report)
          isAbandoned = report.abandoned === true
          if (isAbandoned) setTimeout(() => sink.settled(report), 5)
        },
      }
    }),
    ABANDONED,
  ],
  [
    'aborts every attempt of a task',
    runner => {
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
    },
    'only the attempt that is named is aborted',
  ],
  [
    'cancels what has settled',
    runner => {
      const started = new Map<string, AttemptSink>()
      return {
        start(command, sink) {
          started.set(nameOf(command), sink)
          runner.start(command, sink)
        },
        abort(key, reason) {
          runner.abort(key, reason)
          started.get(nameOf(key))?.dropped()
        },
      }
    },
    'an abort of an attempt that is over or unknown changes nothing',
  ],
  ['ignores time limits', commands(() => ({ timeoutMs: 0 })), TIMEOUT],
  [
    'cancels what takes too long',
    sinks(sink => ({
      settled: report =>
        sink.settled(
          report.status === 'error' && report.code === 'TASK_TIMEOUT'
            ? { status: 'cancelled', executionTimeMs: 1 }
            : report,
        ),
    })),
    TIMEOUT,
  ],
  [
    'waits for ever for a tool that took too long',
    sinks(sink => ({
      settled(report) {
        if (report.status !== 'error' || report.abandoned !== true) sink.settled(report)
      },
    })),
    'a tool that does not stop after its timeout is abandoned after the grace',
  ],
  [
    'has one grace for all',
    commands(() => ({ abortGraceMs: 50 })),
    'the grace of a command comes before that of the runner',
  ],
  [
    'calls a tool whose arguments it refuses',
    runner => ({
      start(command, sink) {
        if ((command.arguments as { n?: unknown }).n === 'x') runner.start({ ...command, arguments: { n: 1 } }, SILENT)
        runner.start(command, sink)
      },
    }),
    'arguments that the schema refuses are a failure, and the tool is not called',
  ],
  [
    'answers the first open question, whichever was meant',
    runner => ({ answer: (key, _, answer) => runner.answer(key, 1, answer) }),
    'questions are answered by their numbers, in any order',
  ],
  [
    'answers every attempt of a task',
    runner => {
      const started: AttemptCommand[] = []
      return {
        start(command, sink) {
          started.push(command)
          runner.start(command, sink)
        },
        answer({ taskId }, number, answer) {
          for (const command of started) if (command.taskId === taskId) runner.answer(command, number, answer)
        },
      }
    },
    'an answer reaches the attempt that is named',
  ],
  [
    'numbers every question 1',
    sinks(sink => ({ question: question => sink.question({ ...question, number: 1 }) })),
    'the questions of an attempt are numbered in turn',
  ],
  [
    'loses the schema of a question',
    sinks(sink => ({
      question(question) {
        const { schema: _, ...rest } = question
        sink.question(rest)
      },
    })),
    'a question reaches the sink, and its answer the tool',
  ],
  [
    'has a declined question tried again',
    sinks(sink => ({
      settled: report =>
        sink.settled(
          report.status === 'error' && report.code === 'INPUT_DECLINED' ? { ...report, isRetryable: true } : report,
        ),
    })),
    'a question that fails is a failure with its code that is not retried',
  ],
  [
    'lets the time limit run while a question is open',
    runner => ({
      start(command, sink) {
        runner.start({ ...command, timeoutMs: 0 }, sink)
        const late = { status: 'error', code: 'TASK_TIMEOUT', message: 'late', isRetryable: true } as const
        if (command.timeoutMs > 0) setTimeout(() => sink.settled({ ...late, executionTimeMs: 1 }), command.timeoutMs)
      },
    }),
    'the time of an attempt stands still while a question is open',
  ],
  [
    'leaves the timer of each attempt',
    runner => ({
      start(command, sink) {
        runner.start(command, sink)
        if (command.timeoutMs > 0) setTimeout(() => {}, 2000)
      },
    }),
    'a runner that is closed leaves no timers of its attempts',
  ],
]
