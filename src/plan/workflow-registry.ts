import { invalidOption } from '../errors.ts'
import { JsonValue } from '../events/json-value.ts'
import { NotSerializableError } from '../events/serialize.ts'
import { formatPointer, quoteName } from '../tools/json-pointer.ts'
import { type AnyTool, TOOL_NAME_PATTERN, ToolRegistry, type ToolSource } from '../tools/registry.ts'
import type { WorkflowLookup } from '../workflow/checked-document.ts'
import type { DAGStructure, RecordedWorkflow } from '../workflow/document.ts'
import { isAboutKey, IssueList } from '../workflow/issues.ts'
import { WORKFLOW_NAME_PATTERN } from '../workflow/schema.ts'
import { collectNames } from '../workflow/tool-names.ts'
import { invalidWorkflow } from './invalid-workflow.ts'
import { WorkflowSet } from './workflow-set.ts'

/** Workflows that tasks may name: documents by name, or a registry. */
export type WorkflowSource = Readonly<Record<string, DAGStructure>> | WorkflowRegistry

/** Options of a registry. */
export interface RegistryOptions {
  /** Whether an earlier version may have accepted the workflows. @defaultValue false */
  readonly isRecorded?: boolean
}

/**
 * Workflows by name, which the tasks of other workflows may run. Immutable: it holds a copy of each document. Each is
 * compiled once for the same tools.
 */
export class WorkflowRegistry {
  readonly #documents: ReadonlyMap<string, JsonValue>
  readonly #set: WorkflowSet

  /**
   * Checks all workflows.
   * @param tools absent: any tool may be named; tools and arguments are checked when a workflow is used
   * @throws `INVALID_WORKFLOW` with every problem of every workflow: pointers lead into `workflows`, and messages name
   * the workflow; `INVALID_OPTION` for an invalid name; `INVALID_TOOL`
   */
  constructor(
    workflows: Readonly<Record<string, DAGStructure>>,
    tools?: ToolSource,
    { isRecorded = false }: RegistryOptions = {},
  ) {
    const issues = new IssueList()
    this.#documents = copyDocuments(workflows, issues)
    this.#set = new WorkflowSet(this.#documents, isRecorded)
    const registry = tools === undefined ? allowTools(workflows) : ToolRegistry.from(tools)
    for (const [name, list] of this.#set.check(registry)) {
      for (const issue of list.issues) {
        const { code, pointer, message, ...extra } = issue
        const text = `In the workflow ${quoteName(name)}: ${message}`
        issues.add(code, formatPointer([name]) + pointer, text, { ...extra, isAboutKey: isAboutKey(issue) })
      }
      for (let i = list.issues.length; i < list.count; i++) issues.skip()
    }
    if (issues.count > 0) throw invalidWorkflow(issues)
  }

  /** Builds the registry of a source; returns a registry as it is. @throws as the constructor does */
  static from(source: WorkflowSource, tools?: ToolSource): WorkflowRegistry {
    return source instanceof WorkflowRegistry ? source : new WorkflowRegistry(source, tools)
  }

  names(): string[] {
    return [...this.#documents.keys()]
  }

  has(name: string): boolean {
    return this.#documents.has(name)
  }

  /** A copy of a document. */
  get(name: string): DAGStructure | undefined {
    return this.#documents.get(name)?.read() as DAGStructure | undefined
  }

  /** Finds the workflows that tasks name, compiled for these tools. @internal */
  lookup(tools: ToolRegistry): WorkflowLookup {
    return this.#set.lookup(tools)
  }

  /**
   * The document with the registered workflows that it names, at any depth. Unchanged if it names none.
   * @param document not validated
   */
  record(document: DAGStructure): RecordedWorkflow {
    const { workflows } = collectNames(document, name => this.#documents.get(name)?.peek())
    const entries = [...workflows].sort().flatMap(name => {
      const workflow = this.get(name)
      return workflow === undefined ? [] : [[name, workflow] as const]
    })
    return entries.length === 0 ? document : { ...document, workflows: Object.fromEntries(entries) }
  }
}

const workflowName = new RegExp(WORKFLOW_NAME_PATTERN, 'u')

function copyDocuments(workflows: unknown, issues: IssueList): ReadonlyMap<string, JsonValue> {
  if (typeof workflows !== 'object' || workflows === null) {
    throw invalidOption('workflows', 'an object of workflows by name, or a WorkflowRegistry', workflows)
  }
  const documents = new Map<string, JsonValue>()
  for (const [name, document] of Object.entries(workflows)) {
    if (!workflowName.test(name)) {
      const expected = '1–100 characters of `A-Za-z0-9_.-`, and neither `schema` nor `validate`'
      throw invalidOption('workflows', `an object whose keys are ${expected}`, name)
    }
    try {
      documents.set(name, JsonValue.from(document))
    } catch (error) {
      const reason = error instanceof NotSerializableError ? error.message : 'something in it throws when it is read'
      const message = `In the workflow ${quoteName(name)}: Expected JSON: ${reason}`
      issues.add('INVALID_SHAPE', formatPointer([name]), message)
    }
  }
  return documents
}

/** A placeholder for each tool that is named. None is ever called. */
function allowTools(workflows: object): ToolRegistry {
  const isName = new RegExp(TOOL_NAME_PATTERN, 'u')
  const { tools } = collectNames({
    tasks: Object.values(workflows).map(workflow => ({ workflow: workflow as unknown })),
  })
  const names = [...tools].filter(name => isName.test(name))
  return new ToolRegistry(names.map((name): AnyTool => ({ name, execute: () => null })))
}
