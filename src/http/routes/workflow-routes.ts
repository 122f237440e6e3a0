import { Hono } from 'hono'
import { computeForecast } from '../../forecast/forecast.ts'
import { readHistory } from '../../forecast/read-history.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { compileWorkflow, validateWorkflow } from '../../plan/compile.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import { locateIssues } from '../../workflow/locate-issues.ts'
import { workflowSchema } from '../../workflow/schema.ts'
import { JSON_HEADERS } from '../answers/headers.ts'
import { badRequest } from '../answers/problem.ts'
import { findWorkflowText, parseEnvelope, parseNamedRequest, readJson } from '../body/execution-request.ts'
import type { ResolvedHandlerOptions } from '../options/handler-options.ts'
import { type Access, type AccessContext, askAuthorize } from '../security/authorize.ts'
import type { ExecutionStarts } from './execution-starts.ts'
import { findWorkflow } from './find-workflow.ts'

/** The routes under `/workflows`: checks of documents, and the registered workflows. */
export function createWorkflowRoutes(
  starts: ExecutionStarts,
  { authorize, tools, workflows, execution }: ResolvedHandlerOptions,
): Hono {
  const ask = (request: Request, context: AccessContext): Promise<Access> => askAuthorize(authorize, request, context)

  const find = (name: string): DAGStructure => findWorkflow(workflows, name)

  return (
    new Hono()
      .post('/validate', async ({ req }) => {
        const { owner } = await ask(req.raw, { action: 'validate' })
        const isForecast = asksForecast(new URL(req.url).searchParams)
        const body = await readJson(req.raw)
        const { workflow, input, duplicates } = parseEnvelope(body, ['input'])
        if (duplicates.length > 0) {
          const report = { valid: false, issues: duplicates, issueCount: duplicates.length }
          return Response.json(report, { headers: JSON_HEADERS })
        }
        const found = await tools.toolsFor(workflows?.record(workflow as DAGStructure) ?? workflow)
        const report = validateWorkflow(workflow, found, { input, ...(workflows && { workflows }) })
        const issues = locateIssues(report.issues, findWorkflowText(body))
        if (!isForecast || !report.valid) return Response.json({ ...report, issues }, { headers: JSON_HEADERS })
        const plan = compileWorkflow(workflow as DAGStructure, found, { ...(workflows && { workflows }) })
        const history = await readHistory(execution.store, owner)
        const forecast = await computeForecast(plan, history, execution)
        return Response.json({ ...report, issues, forecast }, { headers: JSON_HEADERS })
      })
      .get('/schema', async ({ req }) => {
        await ask(req.raw, { action: 'schema' })
        return Response.json(workflowSchema, {
          headers: { ...JSON_HEADERS, 'Content-Type': 'application/schema+json' },
        })
      })
      .get('/', async ({ req }) => {
        await ask(req.raw, { action: 'workflows' })
        const shown = (workflows?.names() ?? []).map(name => describeWorkflow(name, find(name)))
        return new Response(stringifyJson({ workflows: shown }), { headers: JSON_HEADERS })
      })
      // Except `validate`: a `GET` of that route stays a 405.
      .get('/:name{(?!validate$)[^/]+}', async ({ req }) => {
        const name = req.param('name')
        await ask(req.raw, { action: 'workflows', workflow: name })
        return new Response(stringifyJson(find(name)), { headers: JSON_HEADERS })
      })
      .post('/:name/executions', ({ req }) => {
        const workflow = req.param('name')
        return starts.answer(req.raw, {
          workflow,
          parse: (body, bounds) => parseNamedRequest(body, find(workflow), bounds),
          // Pointers of the workflow refer to the registered document.
          locate: ({ text }) => ({ text, path: null, inputPath: ['input'] }),
        })
      })
  )
}

/** @throws HttpProblem 400 */
function asksForecast(query: URLSearchParams): boolean {
  const values = query.getAll('forecast')
  const [value = 'false'] = values
  if (values.length <= 1 && (value === 'true' || value === 'false')) return value === 'true'
  throw badRequest('Expected one `forecast`: `true` or `false`')
}

/** A registered workflow in a list. */
function describeWorkflow(name: string, { description, inputSchema, tasks, finally: last = [] }: DAGStructure): object {
  return {
    name,
    ...(description !== undefined && { description }),
    ...(inputSchema !== undefined && { inputSchema }),
    taskCount: tasks.length + last.length,
  }
}
