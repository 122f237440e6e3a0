import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { type DAGStructure, ParallelExecutor, validateWorkflow } from '../../src/index.ts'

interface Graph {
  readonly name: string
  readonly tasks: readonly { readonly id: string; readonly tool?: string; readonly dependsOn: readonly string[] }[]
}

const folder = fileURLToPath(new URL('../../../shared/workloads/', import.meta.url))
const isThere = existsSync(folder)
if (!isThere) console.warn('Skipped: the workloads folder is not beside the checkout')

/** Tasks, layers and maximal speedup that the folder's own table tells. */
const KNOWN: Readonly<Record<string, readonly [tasks: number, layers: number]>> = {
  'hic-dirt02-001': [38, 13],
  'srasearch-chameleon-10a-001': [22, 3],
  'taxprofiler-dirt02-001': [127, 10],
  'viralrecon-dirt02-001': [203, 18],
  'cycles-chameleon-5l-1c-12p-001': [1091, 4],
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(`${folder}${path}`, 'utf8'))
}

/** Durations and arguments are left out: what counts here is the graph. */
function toWorkflow({ tasks }: Graph): DAGStructure {
  return { tasks: tasks.map(({ id, dependsOn }) => ({ id, tool: 'work', dependsOn })) }
}

async function expectRuns(graph: Graph): Promise<number> {
  const document = toWorkflow(graph)
  const executor = new ParallelExecutor({ work: (_, { taskId }) => taskId })
  const layers: number[] = []
  for (const schedule of ['layers', 'dataflow'] as const) {
    const result = await executor.execute(document, { schedule, maxConcurrency: 8 })
    expect([graph.name, result.status, result.successCount]).toEqual([graph.name, 'success', document.tasks.length])
    layers.push(result.parallelizationLayers)
  }
  expect(new Set(layers).size).toBe(1)
  return layers[0] as number
}

test.skipIf(!isThere)('the traces of scientific workflows run, with as many layers as is known of them', async () => {
  const files = readdirSync(`${folder}wfcommons`)
  expect(files.length).toBe(9)
  const found: Record<string, readonly [number, number]> = {}
  for (const file of files) {
    const graph = readJson(`wfcommons/${file}`) as Graph
    found[graph.name] = [graph.tasks.length, await expectRuns(graph)]
  }
  expect(found).toMatchObject(KNOWN)
})

test.skipIf(!isThere)('the plans of tool calls run, or are refused with a reason', async () => {
  const refused: string[] = []
  let runCount = 0
  for (const file of ['nestful-executable', 'llmcompiler', 'asynchow-100']) {
    const { dags } = readJson(`toolcalls/${file}.json`) as { dags: readonly (Graph & { id: string })[] }
    for (const dag of dags) {
      const { valid, issues } = validateWorkflow(toWorkflow(dag), { work: () => 1 })
      if (valid) {
        await expectRuns({ ...dag, name: dag.id })
        runCount += 1
      } else refused.push(`${dag.id}: ${issues[0]?.code}`)
    }
  }
  expect(runCount + refused.length).toBe(202)
  expect(refused.every(line => /: (UNKNOWN_DEPENDENCY|SELF_DEPENDENCY|CYCLE|DUPLICATE_TASK_ID)$/.test(line))).toBe(true)
  expect(refused.length).toBeLessThan(20)
})
