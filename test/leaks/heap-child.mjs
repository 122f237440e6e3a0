// Runs executions of every ending, says how much of the heap each has left behind, and must then exit by itself.
// node --expose-gc heap-child.mjs <library> <executions>
const [library, executions] = process.argv.slice(2)
const { StreamingExecutor, createMemoryStore } = await import(library)

const wait = ms => new Promise(resolve => setTimeout(resolve, ms))

const executor = new StreamingExecutor(
  {
    instant: () => ({ text: 'x'.repeat(1000) }),
    later: () => wait(1),
    broken() {
      throw new Error('no')
    },
    deaf: () => new Promise(() => {}),
    async model(_, context) {
      for (let i = 0; i < 5; i++) context.emitToken('word ')
      context.signal.addEventListener('abort', () => {})
      await wait(1)
    },
  },
  { abortGraceMs: 1 },
)

const workflow = {
  tasks: [
    { id: 'a', tool: 'instant' },
    { id: 'b', tool: 'later', dependsOn: ['a'] },
    { id: 'c', tool: 'broken', retry: { maxAttempts: 2, initialDelayMs: 1 } },
    { id: 'd', tool: 'instant', dependsOn: ['c'] },
    { id: 'e', tool: 'model' },
  ],
}
const deaf = {
  tasks: [{ id: 'a', tool: 'deaf', timeoutMs: 1 }, ...workflow.tasks.slice(1, 4).filter(({ id }) => id !== 'b')],
}
const store = createMemoryStore({ maxFinishedCount: 10 })
// One signal for all: whatever listens on it longer than an execution runs shows.
const { signal } = new AbortController()

const ways = [
  () => executor.execute(workflow, { signal }),
  () => executor.execute(workflow, { signal, store }),
  () => executor.execute(deaf, { signal }),
  () => executor.execute(workflow, { signal, timeoutMs: 1 }),
  () => executor.execute(workflow, { signal, onTaskError: 'fail-fast' }),
  async () => {
    const execution = executor.stream(workflow, { signal })
    for await (const _ of execution);
    execution.subscribe().close()
  },
  async () => {
    const execution = executor.stream(workflow, { signal })
    for await (const _ of execution) break
    execution.cancel()
    await execution.result
  },
  async () => {
    const execution = executor.stream(workflow, { signal })
    await execution[Symbol.asyncIterator]().next()
    await execution.result
  },
  () => executor.executeWithStreaming(workflow, new WritableStream(), { signal }),
  () =>
    executor.executeWithStreaming(workflow, new WritableStream({ write: () => new Promise(() => {}) }), {
      signal,
      flushMs: 1,
    }),
  () =>
    executor.executeWithStreaming(workflow, new WritableStream({ write: () => Promise.reject(new Error('no')) }), {
      signal,
    }),
  async () => {
    const { readable, writable } = new TransformStream()
    const run = executor.executeWithStreaming(workflow, writable, { signal, onSinkClosed: 'cancel' })
    const reader = readable.getReader()
    await reader.read()
    await reader.cancel()
    await run
  },
]

async function runAll(count) {
  for (let i = 0; i < count; i += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, at) => ways[(i + at) % ways.length]()))
  }
}

async function measureHeap() {
  for (let i = 0; i < 5; i++) {
    globalThis.gc()
    await wait(5)
  }
  return process.memoryUsage().heapUsed
}

await runAll(Number(executions) / 2)
const before = await measureHeap()
await runAll(Number(executions))
const after = await measureHeap()
process.stdout.write(JSON.stringify({ executions: Number(executions), before, after }))
