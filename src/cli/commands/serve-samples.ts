import { validateWorkflow } from '../../plan/compile.ts'
import type { ToolRegistry } from '../../tools/registry.ts'
import type { CliProcess } from '../process/console.ts'
import { readWorkflow } from '../input/read-workflow.ts'
import { quoteWord } from '../process/shell.ts'

/** Needs only the built-in tools, and lasts long enough to watch. */
const SAMPLE = {
  tasks: [
    { id: 'name', tool: 'wait', arguments: { ms: 500, value: 'Ada' } },
    { id: 'pause', tool: 'wait', arguments: { ms: 1000 } },
    {
      id: 'greeting',
      tool: 'text:join',
      arguments: { parts: ['Hello,', '$OUTPUT[name]'], separator: ' ' },
      dependsOn: ['pause'],
    },
  ],
}

/** Shipped workflows, the more interesting first. */
const FILES = ['fixtures/repository-report.json', 'fixtures/hello.json']

/**
 * Commands to paste into another terminal that stream a workflow from a server: one with an inline workflow, one with a local
 * file. Only workflows that the server's tools can run are shown.
 * @param hasToken whether requests need a token: the commands read it from `DAGSTREAM_TOKEN` and never show it
 */
export async function buildSamples(
  url: string,
  hasToken: boolean,
  tools: ToolRegistry,
  process: CliProcess,
): Promise<string[]> {
  const authorization = hasToken ? ' -H "Authorization: Bearer $DAGSTREAM_TOKEN"' : ''
  const head = `curl -N ${quoteWord(`${url}/executions`)} -H 'Accept: text/event-stream' -H 'Content-Type: application/json'${authorization}`
  const lines: string[] = []
  if (validateWorkflow(SAMPLE, tools).valid) lines.push(`${head} -d ${quoteWord(JSON.stringify(SAMPLE))}`)
  for (const file of FILES) {
    if (!(await canRun(file, tools, process))) continue
    lines.push(`${head} --data-binary @${file}`, `${process.command} run ${file} --server ${quoteWord(url)}`)
    break
  }
  return lines
}

/** A file that is missing or not a workflow is not a sample. */
async function canRun(file: string, tools: ToolRegistry, process: CliProcess): Promise<boolean> {
  try {
    return validateWorkflow(await readWorkflow(file, process), tools).valid
  } catch {
    return false
  }
}
