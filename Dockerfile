FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home portal
WORKDIR /srv/portal
COPY config/locks/run.lock config/locks/run.lock
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r config/locks/run.lock
COPY . .
RUN mkdir var && chown portal var
USER portal
ENV PYTHONUNBUFFERED=1 VAR_DIR=/srv/portal/var
EXPOSE 8000
CMD ["gunicorn", "config.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", \
     "--workers", "2", "--threads", "4", "--no-control-socket"]
