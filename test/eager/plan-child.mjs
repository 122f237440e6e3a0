// A process that writes a plan to an execution in a file, or continues it: `node plan-child.mjs STORE PLAN CALLS [CALL]`. It
// ends as if killed at its call with that number. It prints `ready` once it writes, and in the end the result as a line of JSON.
import { appendFileSync, readFileSync, writeSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { applyEvent, createState, StreamingExecutor } from '../../dist/index.js'
import { openSqliteStore } from '../../dist/store/sqlite/index.js'

const [file, planFile, callsFile, lastCall] = process.argv.slice(2)
const { lines, workflows, paceMs } = JSON.parse(readFileSync(planFile, 'utf8'))

let callCount = 0

/** At once and whole: the file is opened to append, and the line is one write. */
const call = async (args, { taskId, attempt, signal }) => {
  appendFileSync(callsFile, `${JSON.stringify({ taskId, attempt, pid: process.pid })}\n`)
  if (++callCount === Number(lastCall)) process.kill(process.pid, 'SIGKILL')
  await wait(args.ms ?? 1, undefined, { signal })
  return { taskId, args }
}
const tools = [
  { name: 'read', readOnly: true, execute: call },
  { name: 'write', execute: call },
]

const store = await openSqliteStore(file)
const executor = new StreamingExecutor(tools, { store, workflows, createId: () => 'x' })

async function* writeFrom(line) {
  for (const each of lines.slice(line)) {
    await wait(paceMs)
    yield `${each}\n`
  }
}

async function resume() {
  const state = createState('x')
  for (const { type, json, seq } of await store.read('x', 0, 100_000)) {
    applyEvent(state, { type, data: JSON.parse(json) }, seq)
  }
  return executor.resume('x', { plan: writeFrom(state.planLine ?? 0) })
}

const found = await store.get('x')
const execution = found === undefined ? await executor.streamPlan(writeFrom(0)) : await resume()
writeSync(1, 'ready\n')
writeSync(1, `${JSON.stringify(await execution.result)}\n`)
await store.close()
