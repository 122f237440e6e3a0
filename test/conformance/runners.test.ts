import { describe, test } from 'vitest'
import { LocalRunner } from '../../src/attempt/local-runner.ts'
import type { AttemptCommand, AttemptSink, Question } from '../../src/attempt/runner.ts'
import { systemClock } from '../../src/clock.ts'
import { JsonValue } from '../../src/events/json-value.ts'
import { parseJson } from '../../src/json/parse-json.ts'
import { stringifyJson } from '../../src/json/stringify-json.ts'
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
      const text = stringifyJson(command)
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
      later(() => local.start(parseJson(text) as AttemptCommand, remoteSink))
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
