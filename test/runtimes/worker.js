// Entry for workerd.
import { digest } from './digest.js';

export default {
  async fetch() {
    try {
      return Response.json(await digest());
    } catch (error) {
      return Response.json({ error: String(error?.stack ?? error) });
    }
  },
};
