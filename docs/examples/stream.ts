// Every event the moment it exists, with a plan that is compiled once and run twice.
import assert from 'node:assert/strict'
import { applyEvent, compileWorkflow, createState, parseEventId, SSE_EVENTS, StreamingExecutor } from 'dagstream'

const tools = {
  write: async ({ words }: { words: string[] }, { emitToken }: { emitToken: (text: string) => void }) => {
    for (const word of words) emitToken(word)
    return words.join('')
  },
}
const plan = compileWorkflow(
  {
    tasks: [
      { id: 'first', tool: 'write', arguments: { words: ['Hel', 'lo'] } },
      { id: 'second', tool: 'write', arguments: { words: ['$OUTPUT[first]', '!'] } },
    ],
  },
  tools,
)
const executor = new StreamingExecutor(tools)

const texts = await Promise.all([readText(), readText()])
assert.deepEqual(texts, ['HelloHello!', 'HelloHello!'])

/** Follows one execution: its tokens, and the state that its events add up to. */
async function readText(): Promise<string> {
  const execution = executor.stream(plan)
  const state = createState(execution.executionId)
  let text = ''
  for await (const event of execution) {
    const seq = event.id === undefined ? 0 : (parseEventId(event.id)?.seq ?? 0)
    applyEvent(state, event, seq)
    if (event.type === SSE_EVENTS.TOKEN) text += event.data.text
  }
  const result = await execution.result
  assert.equal(state.status, result.status)
  assert.equal(state.tasks.get('second')?.result?.output, 'Hello!')
  return text
}
