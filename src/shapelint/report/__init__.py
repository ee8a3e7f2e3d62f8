"""Reports: one module a format; a reporter decides how a finding looks, never how severe it is."""
