import { afterEach, expect, test, vi } from 'vitest'
import type { ExecutionResult } from '../../src/engine/execution-result.ts'
import { createMemoryStore } from '../../src/index.ts'
import { runRemotely, SERVER, startFakeServer } from './remote-rig.ts'
import { makeFolder, parseLines, type Ran, runIn } from './store-rig.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

const text = 'é'.repeat(20_000)
const GROWN = {
  name: 'grown',
  tasks: [
    {
      id: 'each',
      forEach: ['a', 'b'],
      workflow: { tasks: [{ id: 'say', tool: 'echo', arguments: { of: '$INPUT.of', text } }] },
      arguments: { of: '$ITEM' },
    },
    { id: 'kept', tool: 'fail', arguments: { message: 'no' }, optional: true },
  ],
  finally: [{ id: 'end', tool: 'echo' }],
  output: { all: '$OUTPUT[each]' },
}
const OUTPUT = { all: ['a', 'b'].map(of => ({ say: { of, text } })) }

/** Where an execution is: in a file, or on a server. */
const places = {
  'in a file': async () => {
    const cwd = makeFolder()
    const { stdout } = await runIn(cwd, 'run - --store runs.db --json', GROWN)
    const ask = (argv: string): Promise<Ran> => runIn(cwd, `executions ${argv} --store runs.db`)
    return { result: JSON.parse(stdout) as ExecutionResult, ask }
  },
  'on a server': async () => {
    startFakeServer({ store: createMemoryStore() })
    const { stdout } = await runRemotely(GROWN, '--json')
    const ask = (argv: string): Promise<Ran> => runIn(makeFolder(), `executions ${argv} --server ${SERVER}`)
    return { result: JSON.parse(stdout.text) as ExecutionResult, ask }
  },
}

test.each(Object.entries(places))(
  'an execution that has grown %s is shown, listed and exported whole',
  async (_, start) => {
    const { result, ask } = await start()
    const { executionId: id } = result
    expect([result.status, result.toleratedCount, result.output]).toEqual(['success', 1, OUTPUT])
    const shown = JSON.parse((await ask(`show ${id} --json`)).stdout) as { result: ExecutionResult }
    expect(shown.result).toEqual(result)
    const tree = (await ask(`show ${id}`)).stdout.replaceAll(/\d+(\.\d+)?(ms|s)/g, '#').split('\n')
    expect(tree.slice(0, 7)).toEqual([
      'grown · layers · 7/7 tasks · #',
      'layer 1 · 2/2',
      '  ✔ each  2/2 · #',
      '  ✖ kept  # · tolerated · no',
      'finally · 1/1',
      '  ✔ end  #',
      'success 7 tasks: 6 succeeded, 1 failed (1 tolerated) in #',
    ])
    const [listed] = JSON.parse((await ask('list --json')).stdout) as object[]
    expect(listed).toMatchObject({ totalTasks: 7, successCount: 6, errorCount: 1, toleratedCount: 1 })
    const lines = parseLines((await ask(`export ${id}`)).stdout)
    expect(lines.at(-1)).toMatchObject({ type: 'execution_complete', data: { output: OUTPUT } })
    expect(JSON.stringify(lines)).not.toContain('"outputPath"')
  },
)

test('run prints the output of the workflow on a server as in this process', async () => {
  startFakeServer({ store: createMemoryStore() })
  const { stdout } = await runRemotely(GROWN)
  expect(JSON.parse(stdout.text)).toEqual(OUTPUT)
})
