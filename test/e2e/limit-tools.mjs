// Tools of the processes in limits.test.ts: each notes when its calls begin and end, and in which process.
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const note = (moment, { taskId, attempt }) => {
  appendFileSync(
    process.env.RECORD,
    `${JSON.stringify({ moment, taskId, attempt, pid: process.pid, at: Date.now() })}\n`,
  )
}

// oxlint-disable-next-line import/no-default-export -- it is what `--tools` reads
export default {
  limited: {
    // Where machines differ the smallest counts.
    limit: Number(process.env.LIMIT ?? 3),
    async execute({ ms }, context) {
      note('begin', context)
      await sleep(ms)
      note('end', context)
    },
  },
  rated: {
    rate: { max: 4, perMs: 2000 },
    execute: (_, context) => note('begin', context),
  },
  /** A provider that asks for a pause at its first call. */
  asking: {
    rate: { max: 100, perMs: 1000 },
    execute(_, context) {
      note('begin', context)
      if (context.taskId !== 'first') return
      throw Object.assign(new Error('Too many requests'), { retryable: false, retryAfterMs: 3000 })
    },
  },
}
