import { expect, test } from 'vitest'
import { createClient } from 'dagstream/client'
import { createHandler } from 'dagstream/http'
import { humanAskTool } from '../../src/index.ts'

test('a client answers and declines by the id of the event, and is told what does not fit', async () => {
  const handler = createHandler({ tools: [humanAskTool] })
  const client = createClient({ url: 'http://server.test', fetch: handler.fetch })
  const ask = (id: string): object => ({
    id,
    tool: 'human:ask',
    arguments: { message: 'Go?', schema: { type: 'string' } },
  })
  const execution = client.stream({ tasks: [ask('a'), ask('b/[c'.slice(0, 2))] as never })
  const refused: unknown[] = []
  for await (const { type, data } of execution) {
    if (type !== 'input_required') continue
    const fault = await execution.answer(data.inputId, 5).catch((error: unknown) => error)
    refused.push(fault)
    if (data.taskId === 'a') await execution.answer(data.inputId, 'yes')
    else await execution.decline(data.inputId)
  }
  expect(refused).toMatchObject(
    Array(2).fill({ code: 'HTTP_ERROR', details: { status: 422, code: 'INVALID_RESPONSE' } }),
  )
  const { results } = await execution.result
  expect(results).toMatchObject([{ output: 'yes' }, { code: 'INPUT_DECLINED' }])
  await expect(execution.answer('a.1', 'late')).rejects.toMatchObject({
    details: { status: 409, code: 'INPUT_CLOSED' },
  })
  await expect(execution.answer('a.1', undefined)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  await handler.close()
})
