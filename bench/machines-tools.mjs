// Tools of the workers in machines-processes.mjs.
import { appendFileSync, existsSync } from 'node:fs'

const now = () => performance.timeOrigin + performance.now()

// oxlint-disable-next-line import/no-default-export -- what `--tools` takes
export default {
  noop: () => null,
  /** Runs until it is aborted; notes when it begins and when it is aborted, ms since 1970, in the file `MOMENTS`. */
  hang: (_, { signal, executionId }) => {
    const note = moment =>
      appendFileSync(process.env.MOMENTS, `${JSON.stringify({ moment, executionId, at: now() })}\n`)
    note('begun')
    return new Promise((_resolve, reject) => {
      const stop = () => {
        note('aborted')
        reject(new Error('Aborted'))
      }
      signal.addEventListener('abort', stop, { once: true })
    })
  },
  /** Emits `count` lines of log, `perTurn` in each turn, once the file `path` is there. */
  async burst({ count, perTurn, path }, { log }) {
    while (!existsSync(path)) await new Promise(resolve => setTimeout(resolve, 10))
    for (let at = 0; at < count; at++) {
      log('info', `Read page ${at} of ${count} of the quarterly report`)
      if (at % perTurn === perTurn - 1) await new Promise(resolve => setImmediate(resolve))
    }
    return null
  },
  /** Emits tokens until it has emitted `count`. */
  async emit({ count, everyMs }, { emitToken }) {
    for (let at = 0; at < count; at++) {
      emitToken(`${at} `)
      await new Promise(resolve => setTimeout(resolve, everyMs))
    }
    return null
  },
}
