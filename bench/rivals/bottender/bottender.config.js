module.exports = {
  session: { driver: 'memory' },
  channels: { messenger: {
    enabled: true, path: '/webhook', pageId: '104612345678901', accessToken: 't',
    appId: '1', appSecret: 's3cret', verifyToken: 'v', skipLegacyProfile: true,
  } },
};
