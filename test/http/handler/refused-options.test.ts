import { request } from 'node:http'
import { expect, test } from 'vitest'
import { createHandler, type Handler, type HandlerOptions } from 'dagstream/http'
import { createListener, serve } from 'dagstream/http/node'

const tools = { a: () => 1 }

test.each<[object, RegExp]>([
  [{ tools, onDisconect: 'cancel' }, /no option `onDisconect` of a handler\. Did you mean `onDisconnect`\?/],
  [{ tools, port: 1 }, /no option `port` of a handler/],
  [{}, /Expected `tools` to be/],
  [{ tools, allowedOrigins: ['*'] }, /`allowedOrigins` to be of origins as browsers send them/],
  [{ tools, allowedOrigins: ['https://a.example/'] }, /`allowedOrigins`/],
  [{ tools, allowedOrigins: ['HTTPS://a.example'] }, /`allowedOrigins`/],
  [{ tools, allowedOrigins: 'https://a.example' }, /`allowedOrigins`/],
  [{ tools, allowedHosts: ['a.example:80'] }, /`allowedHosts` to be of names or addresses/],
  [{ tools, allowedHosts: ['http://a.example'] }, /`allowedHosts`/],
  [{ tools, allowedHosts: ['*'] }, /`allowedHosts`/],
])('a handler refuses %o', (options, message) => {
  expect(() => createHandler(options as HandlerOptions)).toThrow(message)
})

test.each<[unknown, object, RegExp]>([
  [undefined, { token: 'x' }, /Expected `token` to be absent: what is served is an option of `createHandler`/],
  [undefined, { hostname: 'x' }, /Expected `hostname` to be absent/],
  [undefined, { port: '8080' }, /Expected `port` to be an integer from 0 to 65535, got `"8080"` \(string\)/],
  [() => {}, {}, /Expected `handler` to be an object with the functions fetch, close/],
  [{ tools }, {}, /Expected `handler` to be/],
])('serve refuses %o with %o before it listens', async (handler, options, message) => {
  const given = (handler ?? createHandler({ tools })) as Handler
  await expect(serve(given, options)).rejects.toThrow(message)
})

test('a listener refuses a handler that is only its fetch', () => {
  const { fetch } = createHandler({ tools })
  expect(() => createListener(fetch as never)).toThrow(/Expected `handler` to be an object with the functions fetch/)
})

test.each(['LOCALHOST', '127.0.0.1', '127.1', '::ffff:127.0.0.1'])(
  'on loopback, spelt %s, only loopback names are answered',
  async host => {
    const server = await serve(createHandler({ tools }), { port: 0, host })
    try {
      const statuses = [await askAs(server.port, 'evil.example'), await askAs(server.port, 'localhost')]
      expect(statuses).toEqual([403, 200])
    } finally {
      await server.close()
    }
  },
)

/** `fetch` lets nobody set `Host`. @returns the status */
function askAs(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: '127.0.0.1', path: '/healthz', headers: { Host: host } }, incoming => {
      incoming.resume()
      resolve(incoming.statusCode)
    })
    asked.on('error', reject).end()
  })
}
