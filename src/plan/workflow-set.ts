import type { JsonValue } from '../events/json-value.ts'
import { quoteName } from '../tools/json-pointer.ts'
import type { ToolRegistry } from '../tools/registry.ts'
import type { UnusableWorkflow, WorkflowLookup } from '../workflow/checked-document.ts'
import type { WorkflowIssue } from '../workflow/document.ts'
import { IssueList } from '../workflow/issues.ts'
import { collectNames } from '../workflow/tool-names.ts'
import { runAtOnce } from '../slices.ts'
import { planSteps } from './build-plan.ts'
import { checkWorkflow } from './check-workflow.ts'
import { ExecutionPlan } from './execution-plan.ts'
import { findCircle, type NameGraph, orderNames } from './name-graph.ts'

/** Workflows that name each other, compiled on demand: each once for the same tools. */
export class WorkflowSet {
  readonly #documents: ReadonlyMap<string, JsonValue>
  readonly #isRecorded: boolean
  readonly #graph: NameGraph
  /** The last plan of each workflow. */
  readonly #plans = new Map<string, ExecutionPlan>()

  constructor(documents: ReadonlyMap<string, JsonValue>, isRecorded: boolean) {
    this.#documents = documents
    this.#isRecorded = isRecorded
    this.#graph = new Map(
      Array.from(documents, ([name, document]) => {
        const { workflows } = collectNames({ tasks: [{ workflow: document.peek() }] })
        return [name, [...workflows].sort()]
      }),
    )
  }

  /** The name and those that it uses, at any depth. */
  closure(name: string): readonly string[] {
    return orderNames(this.#graph, name)
  }

  /** Checks all workflows. Each problem is reported once, for the workflow that has it. */
  check(tools: ToolRegistry): ReadonlyMap<string, IssueList> {
    const compiled = new Map<string, Compiled>()
    const lists = new Map<string, IssueList>()
    for (const name of this.#documents.keys()) {
      if (!compiled.has(name)) this.#compileClosure(name, tools, compiled)
      lists.set(name, (compiled.get(name) as Compiled).issues)
    }
    return lists
  }

  /** Finds workflows for the tasks of a document outside the set. */
  lookup(tools: ToolRegistry): WorkflowLookup {
    const compiled = new Map<string, Compiled>()
    return {
      names: () => this.#documents.keys(),
      find: name => {
        if (!this.#documents.has(name)) return undefined
        const order = this.#compileClosure(name, tools, compiled)
        const plan = compiled.get(name)?.plan
        if (plan !== undefined) return plan
        return { issues: order.flatMap(each => nameWorkflow(each, compiled.get(each)?.issues.issues ?? [])) }
      },
    }
  }

  #compileClosure(name: string, tools: ToolRegistry, compiled: Map<string, Compiled>): readonly string[] {
    const order = this.closure(name)
    for (const each of order) if (!compiled.has(each)) compiled.set(each, this.#compile(each, tools, compiled))
    return order
  }

  /** @param compiled those that it uses, except in circles */
  #compile(name: string, tools: ToolRegistry, compiled: ReadonlyMap<string, Compiled>): Compiled {
    const known = this.#plans.get(name)
    const issues = new IssueList()
    if (known !== undefined && Array.from(known.tools).every(([tool, used]) => tools.get(tool) === used)) {
      return { plan: known, issues }
    }
    let isUsable = true
    const find = (used: string): ExecutionPlan | UnusableWorkflow | undefined => {
      if (!this.#documents.has(used)) return undefined
      const found = compiled.get(used)
      if (found?.plan !== undefined) return found.plan
      isUsable = false
      // One that is not compiled yet uses this one. Problems of other workflows are reported for those.
      return found === undefined ? { circle: findCircle(this.#graph, name, used), issues: [] } : { issues: [] }
    }
    const checked = checkWorkflow((this.#documents.get(name) as JsonValue).read(), tools, issues, {
      isRecorded: this.#isRecorded,
      workflows: { names: () => this.#documents.keys(), find },
    })
    if (checked === undefined || !isUsable) return { plan: undefined, issues }
    const plan = runAtOnce(planSteps(checked))
    this.#plans.set(name, plan)
    return { plan, issues }
  }
}

interface Compiled {
  readonly plan: ExecutionPlan | undefined
  readonly issues: IssueList
}

/** The issues of a registered workflow, for a document that uses it. */
function nameWorkflow(name: string, issues: readonly WorkflowIssue[]): WorkflowIssue[] {
  return issues.map(issue => {
    const place = issue.pointer === '' ? '' : `, at \`${issue.pointer}\``
    return { ...issue, message: `In the workflow ${quoteName(name)}${place}: ${issue.message}` }
  })
}
