import * as z from 'zod';

/** '02:00:00:00:00:01' */
export const mac = () =>
  z.string().regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i, 'must be a MAC address, as 02:00:00:00:00:01');
