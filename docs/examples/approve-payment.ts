// A payment that a person approves: it starts only after `true`, and silence declines it.
import assert from 'node:assert/strict'
import { type InputQuestion, StreamingExecutor } from 'dagstream'

const paid: number[] = []
const executor = new StreamingExecutor({
  bill: ({ sum }) => ({ sum }),
  pay: ({ sum }) => {
    paid.push(Number(sum))
    return 'paid'
  },
})
const workflow = {
  tasks: [
    { id: 'bill', tool: 'bill', arguments: { sum: '$INPUT.sum' } },
    {
      id: 'pay',
      tool: 'pay',
      arguments: { sum: '$OUTPUT[bill].sum' },
      approve: { message: 'Pay ${OUTPUT[bill].sum} euros?', expiresMs: 60_000 },
    },
  ],
}

/** Stands for a person, who approves what is cheap. */
function decide({ message }: InputQuestion): boolean {
  const sum = Number(/\d+/.exec(message)?.[0])
  return sum < 100
}

const cheap = await executor.execute(workflow, { input: { sum: 20 }, onInput: decide })
assert.equal(cheap.results[1]?.output, 'paid')

const dear = await executor.execute(workflow, { input: { sum: 500 }, onInput: decide })
assert.deepEqual([dear.results[1]?.code, dear.results[1]?.attempts], ['INPUT_DECLINED', 0])

// Nobody answers in time.
const silent = await executor.execute(
  { tasks: [{ id: 'pay', tool: 'pay', arguments: { sum: 1 }, approve: { expiresMs: 5 } }] },
  { onInput: () => undefined },
)
assert.equal(silent.results[0]?.code, 'INPUT_DECLINED')
assert.deepEqual(paid, [20])
