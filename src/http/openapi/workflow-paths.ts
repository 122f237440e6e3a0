import { type Json, refer } from './schema-parts.ts'
import { content, json, JSON_TYPE, parameter, problems } from './operation-parts.ts'
import { startOperation } from './start-operation.ts'

const name = parameter('name', 'path', 'Name of the registered workflow.')

/** The routes under `/workflows`. */
export const workflowPaths: Json = {
  '/workflows/validate': {
    post: {
      operationId: 'validateWorkflow',
      summary: 'Check a workflow without running it',
      parameters: [
        parameter(
          'forecast',
          'query',
          'Whether to forecast time, tokens and cost of a valid workflow from the history.',
          {
            type: 'boolean',
            default: false,
          },
        ),
      ],
      requestBody: { required: true, ...content(JSON_TYPE, refer('ValidationRequest')) },
      responses: { 200: json('The problems.', refer('ValidationResult')), ...problems(400, 413, 415, 503) },
    },
  },
  '/workflows/schema': {
    get: {
      operationId: 'getWorkflowSchema',
      summary: 'The JSON Schema of a workflow',
      responses: {
        200: { description: 'JSON Schema 2020-12.', ...content('application/schema+json', { type: 'object' }) },
        ...problems(),
      },
    },
  },
  '/workflows': {
    get: {
      operationId: 'listWorkflows',
      summary: 'The registered workflows',
      responses: { 200: json('The workflows.', refer('WorkflowList')), ...problems() },
    },
  },
  '/workflows/{name}': {
    parameters: [name],
    get: {
      operationId: 'getWorkflow',
      summary: 'The document of a registered workflow',
      responses: { 200: json('The document.', refer('Workflow')), ...problems(404) },
    },
  },
  '/workflows/{name}/executions': {
    parameters: [name],
    post: {
      operationId: 'createNamedExecution',
      summary: 'Run a registered workflow',
      ...startOperation(refer('NamedRequest')),
    },
  },
}
