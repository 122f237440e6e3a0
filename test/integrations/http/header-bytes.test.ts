// Header values beyond ASCII, written as bytes: `node:http` would refuse or recode them.
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { httpRig } from './loopback.ts'

/** Answers each request by its path; `paths` are the bytes of the request targets, as Latin-1. */
async function serveBytes(answers: Readonly<Record<string, string>>): Promise<{ url: string; paths: string[] }> {
  const paths: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('data', data => {
      const path = data.toString('latin1').split(' ')[1] ?? ''
      paths.push(path)
      const ok = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok'
      socket.write(answers[path] ?? ok, 'latin1')
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, paths }
}

const latin1 = (text: string): string => Buffer.from(text).toString('latin1')
const redirect = (location: string): string =>
  `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`

test.each([
  ['UTF-8 in a path', latin1('/café'), '/caf%C3%A9'],
  ['UTF-8 in a query', latin1('/a?q=世界 👋'), '/a?q=%E4%B8%96%E7%95%8C%20%F0%9F%91%8B'],
  ['what is escaped already', '/caf%C3%A9', '/caf%C3%A9'],
  ['UTF-8 beside what is escaped', latin1('/caf%C3%A9/ü'), '/caf%C3%A9/%C3%BC'],
  ['Latin-1, which is no UTF-8', '/caf\xe9', '/caf%E9'],
  ['a sequence that is cut', '/caf\xc3', '/caf%C3'],
  ['half UTF-8, half Latin-1', `${latin1('/é')}\xe9`, '/%C3%A9%E9'],
])('a redirect to %s goes there', async (_, location, path) => {
  const { url, paths } = await serveBytes({ '/': redirect(location) })
  expect((await httpRig().get({ url: `${url}/` })).status).toBe(200)
  expect(paths).toEqual(['/', path])
})

test('a redirect to a host in UTF-8 goes to its name in ASCII', async () => {
  const { url, paths } = await serveBytes({ '/': redirect('http://x/') })
  const port = new URL(url).port
  const named = await serveBytes({ '/': redirect(latin1(`http://bücher.example:${port}/found`)) })
  expect((await httpRig().get({ url: `${named.url}/` })).status).toBe(200)
  expect(paths).toEqual(['/found'])
})

test('headers of an answer are read as UTF-8 where they are, else as Latin-1', async () => {
  const lines = [
    latin1('Content-Disposition: attachment; filename="naïve.txt"'),
    latin1('Link: </café>; rel="next"'),
    'X-Old: caf\xe9',
    latin1('X-Twice: ä'),
    latin1('X-Twice: ö'),
    'X-Plain: plain',
  ]
  const head = `HTTP/1.1 200 OK\r\n${lines.join('\r\n')}\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n`
  const { url } = await serveBytes({ '/': head })
  expect((await httpRig().get({ url: `${url}/` })).headers).toEqual({
    'content-disposition': 'attachment; filename="naïve.txt"',
    link: '</café>; rel="next"',
    'x-old': 'café',
    'x-twice': 'ä, ö',
    'x-plain': 'plain',
    'content-type': 'text/plain',
    'content-length': '0',
  })
})
