import { readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DagstreamError } from '../../errors.ts'
import { WorkflowRegistry } from '../../plan/workflow-registry.ts'
import { formatPointer, quoteName } from '../../tools/json-pointer.ts'
import type { ToolSource } from '../../tools/registry.ts'
import { Suggestions } from '../../tools/suggestion.ts'
import type { DAGStructure, WorkflowIssue } from '../../workflow/document.ts'
import { isAboutKey } from '../../workflow/issues.ts'
import { locateIssues } from '../../workflow/locate-issues.ts'
import { WORKFLOW_NAME_PATTERN } from '../../workflow/schema.ts'
import { type CliProcess, UsageError } from '../process/console.ts'
import type { FileIssue } from '../render/issue-lines.ts'
import { toPlainLine } from '../render/text.ts'
import { CONFIG_FILE, describePlace, readConfig } from './read-config.ts'
import { readSource, type Source } from './read-workflow.ts'

/** The workflows of a folder: each `NAME.json` is the workflow `NAME`. */
export class WorkflowFolder {
  readonly #folder: string
  readonly #sources: ReadonlyMap<string, Source>

  constructor(folder: string, sources: ReadonlyMap<string, Source>) {
    this.#folder = folder
    this.#sources = sources
  }

  find(name: string): Source | undefined {
    return this.#sources.get(name)
  }

  /** Why there is no workflow of this name. */
  describeMissing(name: string): string {
    const hint = new Suggestions(this.#sources.keys(), 'workflows').hintFor(name)
    return `There is no file ${quoteName(name)} here, and no workflow of that name in ${quoteName(this.#folder)}. ${hint}`
  }

  /**
   * Checks all workflows.
   * @param tools absent: tools and arguments are checked when a workflow is used
   * @throws `INVALID_WORKFLOW` with every problem, as `FileIssue`s with line and column
   */
  register(tools?: ToolSource): WorkflowRegistry {
    const documents = Object.fromEntries(
      Array.from(this.#sources, ([name, { value }]) => [name, value as DAGStructure]),
    )
    try {
      return new WorkflowRegistry(documents, tools)
    } catch (error) {
      throw this.#locate(error)
    }
  }

  /** Adds file, line and column to the issues of the registry. @returns any other error itself */
  #locate(error: unknown): unknown {
    if (!(error instanceof DagstreamError) || error.code !== 'INVALID_WORKFLOW') return error
    const { code, message, details, cause } = error
    const found = details['issues'] as readonly WorkflowIssue[]
    const issues = Array.from(this.#sources, ([name, { text }]) => {
      const file = join(this.#folder, `${name}.json`)
      return locateOwn(found, name, text).map((issue): FileIssue => ({ ...issue, file }))
    })
    return new DagstreamError(code, message, { details: { ...details, issues: issues.flat() }, cause })
  }
}

/** The issues of one workflow, with pointers into its own text, and their lines and columns. */
function locateOwn(issues: readonly WorkflowIssue[], name: string, text: string): readonly WorkflowIssue[] {
  const base = formatPointer([name])
  const own = issues.filter(({ pointer }) => pointer === base || pointer.startsWith(`${base}/`))
  const aboutKeys = new Set<WorkflowIssue>()
  const stripped = own.map(issue => {
    const moved = { ...issue, pointer: issue.pointer.slice(base.length) }
    if (isAboutKey(issue)) aboutKeys.add(moved)
    return moved
  })
  return locateIssues(stripped, { text }, issue => aboutKeys.has(issue))
}

/**
 * Reads the workflows of `--workflows`, else of `workflows` in the configuration.
 * @returns `undefined` if neither is given
 * @throws UsageError for a folder or a file that cannot be read, and for a name that no workflow may have
 */
export async function readWorkflowFolder(
  flag: string | undefined,
  process: Pick<CliProcess, 'stdin' | 'cwd'>,
): Promise<WorkflowFolder | undefined> {
  const folder = flag ?? (await readConfiguredFolder(process))
  if (folder === undefined) return undefined
  const sources = new Map<string, Source>()
  for (const file of listFiles(folder, process.cwd)) {
    const name = file.slice(0, -'.json'.length)
    const path = join(folder, file)
    if (!workflowName.test(name)) {
      const expected = '1–100 characters of A-Za-z0-9_.-, and neither schema nor validate'
      throw new UsageError(`Expected the name of \`${toPlainLine(path)}\` to be that of a workflow: ${expected}`)
    }
    sources.set(name, await readSource(path, process))
  }
  return new WorkflowFolder(folder, sources)
}

/**
 * Reads the workflow that a command is given: a file, `-`, or a name in the folder. A file of that name comes first.
 * @throws UsageError if there is neither
 */
export async function readNamed(
  given: string,
  folder: WorkflowFolder | undefined,
  process: CliProcess,
): Promise<Source> {
  if (folder === undefined || !isName(given, process.cwd)) return readSource(given, process)
  const found = folder.find(given)
  if (found !== undefined) return found
  throw new UsageError(toPlainLine(folder.describeMissing(given)))
}

/** Whether an argument is the name of a workflow: it has the form of a name and no file has it. */
export function isName(given: string, cwd: string): boolean {
  if (given === '-' || given.endsWith('.json') || !workflowName.test(given)) return false
  return statSync(resolve(cwd, given), { throwIfNoEntry: false })?.isDirectory() !== false
}

const workflowName = new RegExp(WORKFLOW_NAME_PATTERN, 'u')

async function readConfiguredFolder(process: Pick<CliProcess, 'stdin' | 'cwd'>): Promise<string | undefined> {
  const config = await readConfig(process)
  const { workflows } = config
  if (workflows === undefined || (typeof workflows === 'string' && workflows !== '')) return workflows
  const place = describePlace(config, ['workflows'])
  throw new UsageError(`Expected \`workflows\` of \`${CONFIG_FILE}\` to be the path of a folder${place}`)
}

/** The JSON files of a folder, by name. */
function listFiles(folder: string, cwd: string): string[] {
  try {
    return readdirSync(resolve(cwd, folder))
      .filter(file => file.endsWith('.json'))
      .sort()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such folder' : code === 'ENOTDIR' ? 'it is no folder' : message
    throw new UsageError(`Cannot read the workflows of \`${toPlainLine(folder)}\`: ${why}`)
  }
}
