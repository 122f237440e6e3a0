// Tools whose failures come where nobody waits for them.
export default {
  throwLater: () =>
    void setTimeout(() => {
      throw new Error('thrown later')
    }),
  rejectLater: () => {
    void Promise.reject(new Error('rejected later'))
    return 'done'
  },
}
