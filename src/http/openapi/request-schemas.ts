import { MAX_PRIORITY, MIN_PRIORITY } from '../../cluster/order.ts'
import { type Json, ms, refer, request, text } from './schema-parts.ts'

type RequestName = 'WorkflowRequest' | 'NamedRequest' | 'ForkRequest' | 'ValidationRequest' | 'ExecutionOptions'

/** The schemas of requests, by name. */
export const requestSchemas: Readonly<Record<RequestName, Json>> = {
  WorkflowRequest: {
    description: 'A workflow, or an object of a workflow, its input and options.',
    oneOf: [
      refer('Workflow'),
      request(
        {
          workflow: refer('Workflow'),
          input: { description: 'The value of `$INPUT`: any JSON.' },
          options: refer('ExecutionOptions'),
        },
        ['workflow'],
      ),
    ],
  },
  NamedRequest: {
    ...request({
      input: { description: 'The value of `$INPUT`: any JSON.' },
      options: refer('ExecutionOptions'),
    }),
    description: 'The input and the options of an execution of a registered workflow.',
  },
  ForkRequest: {
    ...request({
      from: { type: 'array', items: text, description: 'Ids of tasks that run again, with all that depend on them.' },
      workflow: refer('Workflow'),
      input: { description: 'The value of `$INPUT`: any JSON.' },
      options: refer('ExecutionOptions'),
    }),
    description: 'The differences of a fork from its execution.',
  },
  ValidationRequest: {
    description: 'A workflow, or an object of a workflow and the input against which its references are checked.',
    oneOf: [refer('Workflow'), request({ workflow: refer('Workflow'), input: {} }, ['workflow'])],
  },
  ExecutionOptions: {
    ...request({
      schedule: { enum: ['layers', 'dataflow'] },
      onTaskError: { enum: ['continue', 'fail-fast'] },
      onCrash: {
        description: 'Whether the execution resumes or fails after its process has crashed.',
        enum: ['resume', 'fail'],
      },
      maxConcurrency: { type: 'integer', minimum: 1 },
      priority: {
        type: 'integer',
        minimum: MIN_PRIORITY,
        maximum: MAX_PRIORITY,
        description: 'Among executions that wait for the same limit or rate of a tool higher ones go first.',
      },
      timeoutMs: { ...ms, description: 'Timeout of the whole execution, ms; 0 for none.' },
      onDisconnect: {
        description: 'Whether the execution is cancelled once it has no subscriber for a time. `cancel`: after 0 ms.',
        oneOf: [{ enum: ['cancel', 'continue'] }, request({ graceMs: ms }, ['graceMs'])],
      },
    }),
    description: 'The numbers may not exceed those of the server.',
  },
}
