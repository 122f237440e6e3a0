// Tools of the processes in worker.test.ts.
import { appendFileSync } from 'node:fs'

const note = (path, text) => appendFileSync(path, `${text}\n`)

// oxlint-disable-next-line import/no-default-export -- it is what `--tools` reads
export default {
  limited: {
    limit: 2,
    async execute({ record }, { taskId }) {
      note(record, `begin ${taskId} ${Date.now()}`)
      await new Promise(resolve => setTimeout(resolve, 30))
      note(record, `end ${taskId} ${Date.now()}`)
    },
  },
  /** Runs until it is aborted, and notes when. */
  async wait({ record }, { signal, taskId, attempt }) {
    note(record, `begin ${taskId} ${attempt}`)
    await new Promise(resolve => signal.addEventListener('abort', resolve))
    note(record, `aborted ${taskId} ${Date.now()}`)
  },
  block({ record, ms }, { taskId }) {
    note(record, `begin ${taskId}`)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
    note(record, `end ${taskId}`)
    return 'late'
  },
  async stream({ count, everyMs }, { emitToken, taskId }) {
    for (let at = 0; at < count; at++) {
      emitToken(`${taskId}:${at} `)
      await new Promise(resolve => setTimeout(resolve, everyMs))
    }
  },
}
