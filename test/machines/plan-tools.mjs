// Tools of planned tasks, whose calls are written down in the file `CALLS`, a line each, and a planner whose model writes `LINES`
// tasks, one every 20 ms.
import { appendFileSync } from 'node:fs'
import { createPlanTool } from 'dagstream/tools/llm'
import { setTimeout as wait } from 'node:timers/promises'

const write = call => appendFileSync(process.env.CALLS, `${JSON.stringify(call)}\n`)

const model = {
  generate: () => Promise.reject(new Error('not called')),
  /** Leaves out what the prompt shows as accepted. */
  async *generateStream(input, { signal, onUsage } = {}) {
    const text = JSON.stringify(input)
    const known = Number(text.match(/\\"id\\":\\"s\d+\\"/g)?.length ?? 0)
    write({ taskId: 'model', known, pid: process.pid })
    let eventId = 1_000_000_000
    for (let at = known; at < Number(process.env.LINES); at++) {
      await wait(20, undefined, { signal })
      const dependsOn = at === 0 ? '' : `, "dependsOn": ["s${at - 1}"]`
      yield { eventId: eventId++, type: 'content', data: `{"id": "s${at}", "tool": "note"${dependsOn}}\n` }
    }
    yield { eventId: eventId++, type: 'content', data: '{"seal": true}\n' }
    onUsage?.({ promptTokens: 10, completionTokens: 1, totalTokens: 11, model: 'scripted' })
    yield { eventId, type: 'done' }
  },
}

const tools = {
  note: {
    readOnly: true,
    execute: async (_, { executionId, taskId, attempt, signal }) => {
      write({ executionId, taskId, attempt, pid: process.pid })
      await wait(10, undefined, { signal })
      return taskId
    },
  },
}

// oxlint-disable-next-line import/no-default-export -- what `--tools` takes
export default [...Object.entries(tools).map(([name, tool]) => ({ name, ...tool })), createPlanTool(model)]
